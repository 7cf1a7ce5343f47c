"""`vendor probe`: try the configured store with keys that it really issues, and say what holds and what does not."""

import asyncio
import json
import sys
import time
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vendor.environment import SettingsError
from vendor.identity.issuer import OwnIssuer
from vendor.identity.keyring import KeyringError
from vendor.leases.lease import DEFAULT_STORE
from vendor.policy.access import load_access
from vendor.policy.layout import Layout, load_layout
from vendor.policy.tables import PolicyFileError
from vendor.secret import WebIdentityToken
from vendor.settings import Settings, load
from vendor.stores.probe.check import Check, Verdict
from vendor.stores.probe.report import Report
from vendor.stores.probe.runner import CHECKS, probe
from vendor.stores.probe.trial import Terms
from vendor.stores.profile import Mode
from vendor.stores.store import Sign, Store

FINE, FAILED, UNUSABLE = 0, 1, 2
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.SKIP: "yellow"}


def run(
    store: str | None, *, as_json: bool, client_url: str | None, patience: float, only: Collection[str] = ()
) -> int:
    """Probe a store; 0 if nothing fails that the gateway relies on, 1 if something does, 2 if it cannot be tried."""
    try:
        settings = load()
        problems = _mistakes(settings, store, client_url, only)
        if problems:
            return _refuse(problems)
        layout = load_layout(settings.policies / "layout.toml")
        settings = settings.by_store[store or DEFAULT_STORE]
        terms = Terms(load_access(settings.policies / "access.toml"), settings.lease_max_seconds, patience=patience)
        sign = _signer(settings)
    except SettingsError as mistakes:
        return _refuse(mistakes.problems)
    except (KeyringError, PolicyFileError) as mistake:
        return _refuse([str(mistake)])
    report = asyncio.run(_probe(settings, sign, layout, terms, client_url, only or None))
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        _show(report, Console(highlight=False))
    return FINE if report.ok else FAILED


async def _probe(
    settings: Settings, sign: Sign, layout: Layout, terms: Terms, client_url: str | None, only: Collection[str] | None
) -> Report:
    store = Store(settings.store, sign, time.time)
    try:
        return await probe(store, layout, terms, client_endpoint=client_url, only=only)
    finally:
        await store.close()


def _mistakes(settings: Settings, store: str | None, client_url: str | None, only: Collection[str]) -> list[str]:
    problems = []
    if store is not None and store not in settings.by_store:
        problems.append(f"There is no store {store!r}; there is {', '.join(map(repr, settings.by_store))}.")
    if client_url is not None:
        parts = urlsplit(client_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            problems.append("--as-client is not a plain http(s) URL.")
    unknown = set(only) - {check.name for check in CHECKS}
    if unknown:
        problems.append(f"There is no check {min(unknown)!r}; there are {', '.join(check.name for check in CHECKS)}.")
    return problems


def _signer(settings: Settings) -> Sign:
    if settings.store_mode is Mode.WEB_IDENTITY:
        return OwnIssuer.open(
            url=settings.public_url,
            keys_folder=settings.issuer_keys_dir,
            key_pem=settings.issuer_key,
            clock=time.time,
        ).sign
    return _no_tokens


def _no_tokens(*, subject: str, audience: str, lifetime_ends: float, claims: Mapping[str, object]) -> WebIdentityToken:
    raise AssertionError("no token is signed for AssumeRole")


def _show(report: Report, screen: Console) -> None:
    through = "" if report.client_endpoint == report.endpoint else f", as a client at {report.client_endpoint}"
    screen.print(f"{report.store}: {report.kind} by {report.mode} at {report.endpoint}{through}\n", markup=False)
    table = Table("check", "", "relied on", "seconds", "what was seen", box=None, pad_edge=False)
    for result in report.results:
        style = _STYLES[result.verdict]
        table.add_row(
            result.check.name,
            f"[{style}]{result.verdict}[/]",
            "yes" if result.check.relied_on else "",
            f"{result.seconds:.2f}",
            escape(result.finding.detail),
        )
    screen.print(table)
    screen.print()
    for advice, checks in _advice(report).items():
        for check in checks:
            screen.print(f"[red]FAIL[/] {check.name}: it should be that {check.shows}.")
        screen.print(f"     {advice}\n", markup=False)
    for left in report.left_behind:
        screen.print(f"[red]left behind[/]: {escape(left)}")
    screen.print(_summary(report))


def _advice(report: Report) -> dict[str, list[Check]]:
    """What is to be done, with the checks it is for."""
    found: dict[str, list[Check]] = {}
    for result in report.results:
        if result.verdict is Verdict.FAIL:
            found.setdefault(result.check.advice, []).append(result.check)
    return found


def _summary(report: Report) -> str:
    counted = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in Verdict)
    if report.ok:
        return f"{counted}. Nothing failed that the gateway relies on."
    return f"{counted}. Something failed that the gateway relies on: do not use this store as it is."


def _refuse(problems: list[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"vendor: {problem}\n")
    return UNUSABLE
