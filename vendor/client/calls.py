"""The HTTP API as values: each call says what to send and how to read what comes back, and does no I/O.

The synchronous and the asynchronous client run the same calls.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vendor.client.answers import Access, Lease, Reader, SignInHints, Vended, WhoAmI, refusal_text
from vendor.client.errors import BadAnswer, BadInput, ClientError, GatewayError, SignInNeeded, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and the way to read its answer."""

    method: str
    path: str
    read: Callable[[object], T]
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One path that is asked for, and what for."""

    path: str
    access: Access


@dataclass(frozen=True, slots=True)
class Ask:
    """What one lease is asked to be.  No `scope` means everything that is granted; times are in seconds."""

    scope: Sequence[Wanted] = ()
    duration: int | None = None
    renewable_for: int | None = None
    store: str | None = None
    partial: bool = False
    audit_context: Mapping[str, str] = field(default_factory=dict)

    def body(self, *, split: bool = False) -> dict[str, object]:
        """Return the JSON of `POST /v1/leases`; what is not asked for is left out."""
        optional: dict[str, object] = {
            "scope": [{"path": wanted.path, "access": wanted.access} for wanted in self.scope],
            "duration": self.duration,
            "renewable_for": self.renewable_for,
            "store": self.store,
            "partial": self.partial,
            "split": split,
            "audit_context": dict(self.audit_context),
        }
        return {name: value for name, value in optional.items() if value not in (None, False, [], {})}


def sign_in_hints() -> Call[SignInHints]:
    """How one can sign in here; the one call that needs no token."""
    return Call("GET", "/v1/sign-in", SignInHints.read, anonymous=True)


def whoami() -> Call[WhoAmI]:
    """Whom the token stands for."""
    return Call("GET", "/v1/whoami", WhoAmI.read)


def lease(ask: Ask) -> Call[Vended]:
    """Ask for one lease."""
    return Call("POST", "/v1/leases", Vended.read, body=ask.body())


def lease_set(ask: Ask) -> Call[list[Vended]]:
    """Ask for as many leases as the scope needs, each with its own part of it."""

    def read(value: object) -> list[Vended]:
        entry = Reader(value)
        if "leases" not in entry.raw:
            return [Vended.read(value)]
        return [Vended.read(item.raw) for item in entry.objects("leases")]

    return Call("POST", "/v1/leases", read, body=ask.body(split=True))


def renew() -> Call[Vended]:
    """Get fresh keys for a lease; sent with its lease token."""
    return Call("POST", "/v1/leases/renew", Vended.read, body={})


def revoke(lease_id: str) -> Call[Mapping[str, object]]:
    """End one lease.  Repeating it is fine."""
    return Call("DELETE", f"/v1/leases/{path_part(lease_id)}", lambda value: Reader(value).raw)


def show(lease_id: str) -> Call[Lease]:
    """One lease, without secrets."""
    return Call("GET", f"/v1/leases/{path_part(lease_id)}", _read_lease)


def _read_lease(value: object) -> Lease:
    entry = Reader(value)
    return Lease.read(entry.object("lease") if isinstance(entry.raw.get("lease"), dict) else entry)


def path_part(text: str) -> str:
    """Return `text` as one part of a URL path.  What could leave that part is refused, not encoded."""
    if not text or text in {".", ".."} or not all(c.isascii() and (c.isalnum() or c in "-._~") for c in text):
        raise BadInput(f"{text[:80]!a} is not an identifier.")
    return text


def read_answer(status: int, headers: Mapping[str, str], content: bytes, base: str) -> object:
    """Return the JSON of a successful answer, or raise what the gateway (or whatever answered) said."""
    if 200 <= status < 300 and not content:
        return {}
    is_json = headers.get("content-type", "").split(";")[0].strip().lower() in {"application/json", "text/json"}
    if not is_json or 300 <= status < 400:
        raise _not_the_gateway(status, headers, base)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise BadAnswer(f"{base} answered with broken JSON (status {status}).") from None
    if 200 <= status < 300:
        return value
    raise _refusal(status, headers, value, base)


def _not_the_gateway(status: int, headers: Mapping[str, str], base: str) -> ClientError:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if 300 <= status < 400:
        return BadAnswer(f"{base} answered with a redirect, which is not followed because it could carry a token away.")
    if kind == "text/html":
        return BadAnswer(f"{base} answered with a web page (status {status}) instead of the gateway's JSON.")
    if status >= 500:
        return Unavailable(f"{base} is not available (status {status}).", retry_after=_retry_after(headers))
    return BadAnswer(f"{base} did not answer as a gateway does (status {status}, no JSON).")


def _refusal(status: int, headers: Mapping[str, str], value: object, base: str) -> ClientError:
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        if status >= 500:
            return Unavailable(f"{base} is not available (status {status}).", retry_after=_retry_after(headers))
        return BadAnswer(f"{base} refused (status {status}) in a form that is not the gateway's.")
    message = refusal_text(error.get("message")) or f"The gateway refused ({refusal_text(error['code'])})."
    remedy = refusal_text(error.get("remedy"))
    details = error.get("details")
    refused = GatewayError(
        message,
        status=status,
        code=refusal_text(error["code"]),
        remedy=remedy,
        details=details if isinstance(details, dict) else None,
        request_id=refusal_text(error.get("request_id") or headers.get("x-request-id")) or None,
        retry_after=_retry_after(headers),
    )
    if status == 401:
        needed = SignInNeeded(message, remedy=remedy or None)
        needed.__cause__ = refused
        return needed
    return refused


def _retry_after(headers: Mapping[str, str]) -> int | None:
    value = headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None
