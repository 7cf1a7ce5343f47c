"""`vend doctor`: look for what keeps keys from working, and say what to do about each thing found."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vendor import __version__
from vendor.cli import failures, screen
from vendor.cli.findings import FAIL, OK, WARN, Finding, environment, traps
from vendor.cli.options import Json, command
from vendor.client.address import ServiceUrl
from vendor.client.answers import Reader
from vendor.client.calls import Ask
from vendor.client.connection import Connection
from vendor.client.errors import ClientError, GatewayError, Unavailable
from vendor.client.signin import expiry
from vendor.client.text import printable
from vendor.client.tokens import unverified_claims
from vendor.secret import Secret
from vendor.times import rfc3339

if TYPE_CHECKING:
    from vendor.client.answers import Vended

SKEW_WARN, SKEW_FAIL = 60.0, 600.0
"""Seconds of difference between clocks: tokens and S3 signatures are refused after some minutes."""
SOON = 300.0
"""A token that ends within so many seconds is worth a warning."""

NoLease = Annotated[bool, typer.Option("--no-lease", help="Ask for no keys, and so do not look at the store.")]


@command
def doctor(connection: Connection, no_lease: NoLease = False, as_json: Json = False) -> int:
    """Look for what keeps keys from working: gateway, clock, sign-in, store, environment."""
    findings: list[Finding] = []
    worst = failures.OK
    for check in _checks(no_lease=no_lease):
        try:
            findings += check(connection)
        except ClientError as error:
            findings.append(Finding(_name(check), FAIL, str(error), _remedy(error)))
            worst = worst or failures.exit_code(error)
            if check in _NEEDED:
                break
    findings += environment(connection.surroundings.environ)
    _show(findings, as_json)
    return worst or (failures.REFUSED if any(finding.level == FAIL for finding in findings) else failures.OK)


def _remedy(error: ClientError) -> str:
    usual = isinstance(error, Unavailable) and error.remedy == Unavailable.default_remedy
    return "Check the address, the network between here and there, and its proxies." if usual else error.remedy


Check = Callable[[Connection], Iterable[Finding]]


def _checks(*, no_lease: bool) -> list[Check]:
    return [settings, gateway, version, readiness, identity, *([] if no_lease else [store])]


def _name(check: Check) -> str:
    return str(getattr(check, "__name__", "check"))


def settings(connection: Connection) -> list[Finding]:
    """The configuration file can be read, and a gateway is named."""
    where = "--gateway or VENDOR_URL" if connection.has_address else f"profile {connection.profile_name!r}"
    return [Finding("settings", OK, f"The gateway is {connection.gateway}, from {where}.")]


def gateway(connection: Connection) -> list[Finding]:
    """The gateway answers, and its clock agrees with ours."""
    began = time.time()
    date = _get(connection.gateway, "/livez").headers.get("date")
    took = time.time() - began
    return [
        Finding("gateway", OK, f"The gateway answers in {took * 1000:.0f} ms."),
        *_skew("gateway", date, time.time()),
    ]


def _skew(whose: str, date: str | None, now: float) -> list[Finding]:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return []
    skew = now - theirs
    if abs(skew) < SKEW_WARN:
        return [Finding("clock", OK, f"The clocks of this machine and the {whose} agree.")]
    direction = "ahead of" if skew > 0 else "behind"
    return [
        Finding(
            "clock",
            FAIL if abs(skew) >= SKEW_FAIL else WARN,
            f"This machine's clock is {abs(skew):.0f} s {direction} the {whose}'s.",
            "Set the clock (timedatectl set-ntp true); tokens and S3 signatures are refused when clocks differ.",
        )
    ]


def version(connection: Connection) -> list[Finding]:
    """The gateway and this program are of the same kind."""
    try:
        theirs = Reader(_get(connection.gateway, "/openapi.json").value).object("info").text("version")
    except ClientError as error:
        return [Finding("version", WARN, f"The gateway does not say its version ({error}).", "Ask its operator.")]
    ours = __version__
    if _series(theirs) == _series(ours):
        return [Finding("version", OK, f"The gateway has version {theirs}, this program {ours}.")]
    return [
        Finding(
            "version",
            WARN,
            f"The gateway has version {theirs}, this program {ours}.",
            f"Install the one that fits: pip install 'sts-vendor=={theirs}'.",
        )
    ]


def _series(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])


def readiness(connection: Connection) -> list[Finding]:
    """The gateway has all it needs."""
    try:
        _get(connection.gateway, "/readyz")
    except ClientError as error:
        return [Finding("readiness", WARN, f"The gateway says that it is not ready ({error}).", "Ask its operator.")]
    return [Finding("readiness", OK, "The gateway has all it needs.")]


def identity(connection: Connection) -> list[Finding]:
    """There is a token, and the gateway takes it."""
    found = connection.identity()
    with connection.client() as client:
        who = client.whoami()
    token = found.provide()
    return [
        Finding("identity", OK, f"You are {who.principal}, by the token from {found.origin}."),
        _age(token, time.time(), refreshed=found.refreshed()),
    ]


def _age(token: Secret, now: float, *, refreshed: bool) -> Finding:
    """Say how old the token is and how long it lives."""
    issued = unverified_claims(token.reveal()).get("iat")
    age = f"{_span(now - issued)} old" if isinstance(issued, int | float) else "of unknown age"
    ends = expiry(token, None)
    if ends is None:
        return Finding("token", OK, f"The identity token is {age}.")
    text = f"The identity token is {age} and ends at {rfc3339(ends)}"
    if refreshed or ends - now > SOON:
        return Finding("token", OK, f"{text}; it is renewed by itself." if refreshed else f"{text}.")
    return Finding(
        "token", WARN, f"{text}, and nothing renews it.", "Sign in with 'vend login'; jobs need a token file."
    )


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def store(connection: Connection) -> list[Finding]:
    """A lease is to be had, and its store answers from here."""
    with connection.client() as client:
        try:
            vended = client.lease(Ask(store=connection.profile.store, audit_context={"reason": "vend doctor"}))
        except GatewayError as refused:
            if refused.status >= 500:
                raise
            return [Finding("lease", WARN, f"No lease is to be had ({refused}).", refused.remedy)]
    paths = len(vended.lease.scope)
    findings = [Finding("lease", OK, f"A lease for {paths} path{'' if paths == 1 else 's'} is to be had.")]
    around = connection.surroundings
    return findings + _store_answers(vended) + traps(vended.endpoint, around.environ, Path.home())


def _store_answers(vended: "Vended") -> list[Finding]:
    import httpx2

    from vendor.client import http

    url = ServiceUrl(vended.endpoint.url)
    try:
        with httpx2.Client(**http.options(url)) as web:
            date = web.head(url).headers.get("date")  # whatever it says, somebody speaks HTTP there
    except httpx2.HTTPError as error:
        problem = http.explain(error, url, what="store")
        return [Finding("store", FAIL, str(problem), "Check that this network reaches the store, and its certificate.")]
    return [Finding("store", OK, f"The store at {url} answers."), *_skew("store", date, time.time())]


_NEEDED: tuple[Check, ...] = (settings, gateway)
"""Without these the later checks would only fail for the same cause."""


@dataclass(frozen=True, slots=True)
class _Got:
    headers: Mapping[str, str]
    value: object


def _get(base: ServiceUrl, path: str) -> _Got:
    import httpx2

    from vendor.client import http
    from vendor.client.calls import read_answer

    try:
        with httpx2.Client(**http.options(base)) as web:
            response = web.get(base + path)
    except httpx2.HTTPError as error:
        raise http.explain(error, base) from None
    return _Got(response.headers, read_answer(response.status_code, response.headers, response.content, base))


def _show(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        screen.out_json({"findings": [asdict(finding) for finding in findings]})
        return
    for finding in findings:
        screen.out(f"{finding.level:<5}{printable(finding.message)}")
        if finding.remedy and finding.level != OK:
            screen.out(f"     {printable(finding.remedy)}")
