"""`vendor trust check`: is the trust file good, and what would it make of a token, and why?

The report goes on after the first thing that is wrong, so that one run shows all of them.  It says what the token
claims, never the token; claims are marked as unproven when the signature could not be checked.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from vendor.errors import VendError
from vendor.identity.assurance import assurance_of
from vendor.identity.authenticator import check_not_our_own
from vendor.identity.bearer import checked_token
from vendor.identity.claims import CHECKS, Check
from vendor.identity.fetch import Fetcher, FetchFailed
from vendor.identity.jws import UnverifiedToken, VerifiedClaims, parse, verify
from vendor.identity.kbase import KBaseVerifier
from vendor.identity.key_source import KeySource
from vendor.identity.oidc import check_algorithm
from vendor.identity.principal import Principal
from vendor.identity.rules import deciding_rule, judge, principal_by
from vendor.identity.trust import Trust, TrustError, load_trust
from vendor.identity.trust_shape import Issuer
from vendor.secret import RawToken
from vendor.times import Clock, rfc3339


class Found(StrEnum):
    """What one step of the report found."""

    OK = "ok"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the report."""

    found: Found
    what: str
    why: str = ""

    def __str__(self) -> str:
        mark = {Found.OK: "ok  ", Found.NO: "NO  ", Found.UNKNOWN: "?   "}[self.found]
        return f"{mark}{self.what}{': ' if self.why else ''}{self.why}"


@dataclass(frozen=True, slots=True)
class Trial:
    """What one entry of the trust file makes of the token."""

    entry: str
    mode: str
    steps: tuple[Step, ...]
    principal: Principal | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class TrustReport:
    """Everything that was found out.  `admitted` is None when no token was given."""

    file: Path
    mistakes: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    trials: tuple[Trial, ...] = field(default=())
    admitted: bool | None = None

    @property
    def ok(self) -> bool:
        """The file is good, and the token, if there is one, is let in."""
        return not self.mistakes and self.admitted is not False

    def lines(self) -> Iterator[str]:
        """Render the report for a person."""
        for mistake in self.mistakes:
            yield f"{self.file.name}, {mistake}"
        if self.mistakes:
            return
        yield f"{self.file.name} is good; it trusts {len(self.entries) or 'nobody'}{':' if self.entries else '.'}"
        yield from (f"  {entry}" for entry in self.entries)
        yield from map(str, self.steps)
        for trial in self.trials:
            yield f"entry {trial.entry} ({trial.mode})"
            yield from (f"  {step}" for step in trial.steps)
            if trial.principal is not None:
                yield from (f"  {line}" for line in _principal_lines(trial.principal))
        if self.admitted is not None:
            yield "The token is let in." if self.admitted else "The token is refused."

    def as_json(self) -> dict[str, Any]:
        """Render the report for a program."""
        return {
            "file": self.file.name,
            "ok": self.ok,
            "mistakes": list(self.mistakes),
            "entries": list(self.entries),
            "steps": [_step_json(step) for step in self.steps],
            "trials": [
                {
                    "entry": trial.entry,
                    "mode": trial.mode,
                    "rule": trial.rule,
                    "steps": [_step_json(step) for step in trial.steps],
                    "principal": None if trial.principal is None else trial.principal.name,
                }
                for trial in self.trials
            ],
            "admitted": self.admitted,
        }


def check(
    file: Path,
    token: RawToken | None = None,
    *,
    online: bool = True,
    own_issuer_url: str | None = None,
    clock: Clock = time.time,
) -> TrustReport:
    """Check the trust file, and what it makes of `token`.

    With `online` the keys of the token's issuer are read, and an opaque token is shown to the KBase that the file
    trusts; without, nothing leaves this machine and signatures stay unproven.
    """
    try:
        trust = load_trust(file, own_issuer_url=own_issuer_url)
    except TrustError as problem:
        return TrustReport(file, mistakes=tuple(map(str, problem.complaints)))
    entries = tuple(f"{source.name} ({source.mode}): {source.url}" for source in trust.sources)
    if token is None:
        return TrustReport(file, entries=entries)
    steps, trials = asyncio.run(_tried(trust, token, online=online, own_issuer_url=own_issuer_url, clock=clock))
    admitted = any(trial.mode == "enforce" and trial.principal is not None for trial in trials)
    proven = all(step.found is not Found.UNKNOWN for trial in trials for step in trial.steps)
    return TrustReport(file, (), entries, steps, trials, admitted and proven)


async def _tried(
    trust: Trust, token: RawToken, *, online: bool, own_issuer_url: str | None, clock: Clock
) -> tuple[tuple[Step, ...], tuple[Trial, ...]]:
    try:
        token = checked_token(token.reveal())
        if "." not in token.reveal():
            return await _tried_at_kbase(trust, token, online=online, clock=clock)
        parsed = parse(token)
        if own_issuer_url is not None:
            check_not_our_own(parsed, own_issuer_url)
    except VendError as problem:
        return (Step(Found.NO, "form of the token", problem.message),), ()
    named = ascii(parsed.issuer or "nobody")[:200]
    entries = [issuer for issuer in trust.issuers if issuer.url == parsed.issuer]
    if not entries:
        return (Step(Found.NO, "issuer", f"the token names {named}, which no entry has as its url"),), ()
    async with Fetcher() as fetcher:
        trials = [await _trial(trust, issuer, parsed, fetcher if online else None, clock()) for issuer in entries]
    return (Step(Found.OK, "issuer", named),), tuple(trials)


async def _tried_at_kbase(
    trust: Trust, token: RawToken, *, online: bool, clock: Clock
) -> tuple[tuple[Step, ...], tuple[Trial, ...]]:
    kbase = trust.kbase
    if kbase is None:
        return (Step(Found.NO, "form of the token", "it is not a JWT, and no [[kbase]] entry is trusted"),), ()
    if not online:
        step = Step(Found.UNKNOWN, "KBase", "an opaque token can only be checked by asking")
        return (), (Trial(kbase.name, kbase.mode, (step,)),)
    async with Fetcher() as fetcher:
        spaces = trust.name_spaces()
        verifier = KBaseVerifier(kbase, spaces=spaces, folder=trust.folder, fetcher=fetcher, clock=clock)
        try:
            principal = await verifier.authenticate(token)
        except VendError as problem:
            return (), (Trial(kbase.name, kbase.mode, (Step(Found.NO, "KBase", problem.message),)),)
        finally:
            await verifier.close()
    return (), (Trial(kbase.name, kbase.mode, (Step(Found.OK, "KBase"),), principal),)


async def _trial(trust: Trust, issuer: Issuer, token: UnverifiedToken, fetcher: Fetcher | None, now: float) -> Trial:
    claims = VerifiedClaims(dict(token.claims))  # for explaining only: the steps say whether it is true
    steps = [
        _step("algorithm", lambda: check_algorithm(issuer, token)),
        await _signature(trust, issuer, token, fetcher),
        *(_claims_step(demand, issuer, token.typ, claims, now) for demand in CHECKS),
        _step("assurance", lambda: assurance_of(issuer, claims)),
    ]
    verdicts = judge(issuer, claims)
    for verdict in verdicts:
        name = f"rule {verdict.rule.name}{' (audit)' if verdict.rule.mode == 'audit' else ''}"
        steps.append(Step(Found.OK if verdict.matched else Found.NO, name, "; ".join(verdict.problems)))
    sound = not any(step.found is Found.NO for step in steps[: -len(verdicts)])
    try:
        rule = deciding_rule(verdicts)
        principal = (
            principal_by(issuer, rule, claims, assurance_of(issuer, claims), trust.name_spaces()) if sound else None
        )
    except VendError as problem:
        steps.append(Step(Found.NO, "principal", problem.message))
        return Trial(issuer.name, issuer.mode, tuple(steps))
    return Trial(issuer.name, issuer.mode, tuple(steps), principal, rule.name)


async def _signature(trust: Trust, issuer: Issuer, token: UnverifiedToken, fetcher: Fetcher | None) -> Step:
    if fetcher is None:
        return Step(Found.UNKNOWN, "signature", "not checked, because nothing was asked over the network")
    source = KeySource(issuer, folder=trust.folder, fetcher=fetcher)
    try:
        key = source.parse(await source.read()).find(token.kid)
    except FetchFailed as problem:
        return Step(Found.UNKNOWN, "signature", f"the issuer's keys cannot be read: {problem}")
    if key is None:
        return Step(Found.NO, "signature", "the issuer publishes no usable key of that name")
    return _step("signature", lambda: verify(token, key))


def _claims_step(demand: Check, issuer: Issuer, typ: str | None, claims: VerifiedClaims, now: float) -> Step:
    return _step(demand.__name__.removeprefix("check_"), lambda: demand(issuer, typ, claims, now))


def _step(what: str, look: Callable[[], object]) -> Step:
    try:
        look()
    except VendError as problem:
        return Step(Found.NO, what, problem.message)
    return Step(Found.OK, what)


def _step_json(step: Step) -> dict[str, str]:
    return {"found": step.found.value, "what": step.what, "why": step.why}


def _principal_lines(principal: Principal) -> Iterator[str]:
    yield f"→ {principal.kind} {principal.name}{', an admin' if principal.admin else ''}"
    yield f"  token ends {rfc3339(principal.expires_at)}; home: {'yes' if principal.has_home else 'no'}"
    if principal.acts_for is not None:
        yield f"  acts for the tenant {principal.acts_for.tenant}, {principal.acts_for.access}"
    if principal.max_scope is not None:
        yield f"  at most {', '.join(f'{ask.path.text} ({ask.level})' for ask in principal.max_scope)}"
    if principal.max_lease_seconds is not None:
        yield f"  leases of at most {principal.max_lease_seconds} s{', break-glass' if principal.break_glass else ''}"
