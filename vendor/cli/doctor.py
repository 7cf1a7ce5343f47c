"""`vend doctor`: look for what keeps keys from working, and say what to do about each thing found."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import failures, screen
from vendor.cli.environment import CREDENTIAL_VARIABLES, OTHER_SOURCES, PLACES
from vendor.cli.options import Json, command
from vendor.client.address import ServiceUrl
from vendor.client.calls import Ask
from vendor.client.connection import Connection
from vendor.client.errors import ClientError, GatewayError
from vendor.client.signin import expiry
from vendor.client.text import printable
from vendor.times import rfc3339

if TYPE_CHECKING:
    from vendor.client.answers import Vended

OK, WARN, FAIL = "ok", "warn", "fail"
SKEW_WARN, SKEW_FAIL = 60.0, 600.0
"""Seconds of difference between clocks: tokens and S3 signatures are refused after some minutes."""

NoLease = Annotated[bool, typer.Option("--no-lease", help="Ask for no keys, and so do not look at the store.")]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: str
    message: str
    remedy: str = ""


@command
def doctor(connection: Connection, no_lease: NoLease = False, as_json: Json = False) -> int:
    """Look for what keeps keys from working: gateway, clock, sign-in, store, environment."""
    findings: list[Finding] = []
    worst = failures.OK
    for check in _checks(no_lease=no_lease):
        try:
            findings += check(connection)
        except ClientError as error:
            findings.append(Finding(_name(check), FAIL, str(error), error.remedy))
            worst = worst or failures.exit_code(error)
            if check in _NEEDED:
                break
    findings += environment(connection.surroundings.environ)
    _show(findings, as_json)
    return worst or (failures.REFUSED if any(finding.level == FAIL for finding in findings) else failures.OK)


Check = Callable[[Connection], Iterable[Finding]]


def _checks(*, no_lease: bool) -> list[Check]:
    return [settings, gateway, readiness, identity, *([] if no_lease else [store])]


def _name(check: Check) -> str:
    return str(getattr(check, "__name__", "check"))


def settings(connection: Connection) -> list[Finding]:
    """The configuration file can be read, and a gateway is named."""
    where = "--gateway or VENDOR_URL" if connection.has_address else f"profile {connection.profile_name!r}"
    return [Finding("settings", OK, f"The gateway is {connection.gateway}, from {where}.")]


def gateway(connection: Connection) -> list[Finding]:
    """The gateway answers, and its clock agrees with ours."""
    began = time.time()
    date = _get(connection.gateway, "/livez").get("date")
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
    ends = expiry(connection.identity().provide(), None)
    until = f", until {rfc3339(ends)}" if ends else ""
    return [Finding("identity", OK, f"You are {who.principal}, by the token from {found.origin}{until}.")]


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
    return findings + _store_answers(vended)


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


def _get(base: ServiceUrl, path: str) -> Mapping[str, str]:
    import httpx2

    from vendor.client import http
    from vendor.client.calls import read_answer

    try:
        with httpx2.Client(**http.options(base)) as web:
            response = web.get(base + path)
    except httpx2.HTTPError as error:
        raise http.explain(error, base) from None
    read_answer(response.status_code, response.headers, response.content, base)
    return response.headers


def environment(environ: Mapping[str, str]) -> list[Finding]:
    """Variables of this shell that would win over the keys of a lease, or get in the way."""
    stale = [name for name in (*CREDENTIAL_VARIABLES, *OTHER_SOURCES, *PLACES) if environ.get(name)]
    findings = []
    if stale:
        findings.append(
            Finding(
                "environment",
                WARN,
                f"This shell sets {', '.join(stale)}.",
                "'vend exec' and 'vend env' clear what is in the way; other programs would use them.",
            )
        )
    proxies = [
        name for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") if environ.get(name) or environ.get(name.lower())
    ]
    bypass = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if proxies and "127.0.0.1" not in bypass.split(","):
        findings.append(
            Finding(
                "proxy",
                WARN,
                f"{', '.join(proxies)} is set and NO_PROXY does not name 127.0.0.1.",
                "Add 127.0.0.1 to NO_PROXY, so that programs reach 'vend server' directly.",
            )
        )
    return findings or [Finding("environment", OK, "Nothing in this shell's environment is in the way.")]


def _show(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        screen.out_json({"findings": [asdict(finding) for finding in findings]})
        return
    for finding in findings:
        screen.out(f"{finding.level:<5}{printable(finding.message)}")
        if finding.remedy and finding.level != OK:
            screen.out(f"     {printable(finding.remedy)}")
