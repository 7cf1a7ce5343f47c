"""What the gateway answers, as types.

Members we do not know are ignored (a newer gateway may send more); members we need and do not find make the answer
a BadAnswer.  Secrets are masked in every repr; `raw` is the JSON as it came, for printing to its owner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from vendor.client.errors import BadAnswer
from vendor.client.text import printable
from vendor.secret import LeaseToken, SecretKey, SessionToken
from vendor.times import parse_rfc3339

Access = Literal["read", "write"]


class Reader:
    """Takes one JSON object apart, naming the member that is missing or of the wrong kind."""

    def __init__(self, value: object, where: str = "the answer") -> None:
        if not isinstance(value, dict):
            raise BadAnswer(f"The gateway's answer is not as expected: {where} is not an object.")
        self.raw: dict[str, Any] = value
        self._where = where

    def text(self, name: str) -> str:
        value = self.raw.get(name)
        if not isinstance(value, str):
            raise self._missing(name, "text")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self.raw.get(name) is None else self.text(name)

    def key(self, name: str) -> str:
        """Return a member that has to be printable ASCII without blanks, as keys and tokens are."""
        value = self.text(name)
        if not value or any(not 0x21 <= ord(character) <= 0x7E for character in value):
            raise self._missing(name, "a key")
        return value

    def time(self, name: str) -> float:
        try:
            return parse_rfc3339(self.text(name))
        except ValueError:
            raise self._missing(name, "a time") from None

    def time_or_none(self, name: str) -> float | None:
        return None if self.raw.get(name) is None else self.time(name)

    def flag(self, name: str) -> bool:
        return bool(self.raw.get(name))

    def number(self, name: str) -> int:
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._missing(name, "a whole number")
        return value

    def object(self, name: str) -> "Reader":
        return Reader(self.raw.get(name), f"{self._where}.{name}")

    def objects(self, name: str) -> "list[Reader]":
        value = self.raw.get(name, [])
        if not isinstance(value, list):
            raise self._missing(name, "a list")
        return [Reader(item, f"{self._where}.{name}[{index}]") for index, item in enumerate(value)]

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._missing(name, "a list of texts")
        return tuple(value)

    def _missing(self, name: str, kind: str) -> BadAnswer:
        return BadAnswer(f"The gateway's answer is not as expected: {self._where}.{name} is not {kind}.")


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """One path and what may be done under it; `source` says because of what, where the gateway told."""

    path: str
    access: str
    source: str | None = None

    @classmethod
    def read(cls, entry: Reader) -> "ScopeEntry":
        return cls(entry.text("path"), entry.text("access"), entry.text_or_none("source"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary S3 keys.  `expiration` is in seconds since the epoch, `expiration_text` as the gateway wrote it."""

    access_key_id: str
    secret_access_key: SecretKey
    session_token: SessionToken
    expiration: float
    expiration_text: str

    @classmethod
    def read(cls, entry: Reader) -> "Credentials":
        return cls(
            entry.key("access_key_id"),
            SecretKey(entry.key("secret_access_key")),
            SessionToken(entry.key("session_token")),
            entry.time("expiration"),
            entry.key("expiration"),
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the keys are good."""

    url: str
    region: str
    path_style: bool

    @classmethod
    def read(cls, entry: Reader) -> "Endpoint":
        url = entry.key("url")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise BadAnswer("The gateway's answer is not as expected: the store's address is not a plain http(s) one.")
        return cls(url, entry.key("region"), entry.flag("path_style"))


@dataclass(frozen=True, slots=True)
class Lease:
    """One vending relationship, without any secret.  Times are in seconds since the epoch."""

    id: str
    principal: str
    store: str
    issued_at: float
    expires_at: float
    renewable_until: float | None
    refresh_after: float | None
    scope: tuple[ScopeEntry, ...]
    not_granted: tuple[ScopeEntry, ...]
    audit_context: Mapping[str, object]
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, entry: Reader) -> "Lease":
        return cls(
            id=entry.key("id"),
            principal=entry.text("principal"),
            store=entry.text("store"),
            issued_at=entry.time("issued_at"),
            expires_at=entry.time("expires_at"),
            renewable_until=entry.time_or_none("renewable_until"),
            refresh_after=entry.time_or_none("refresh_after"),
            scope=tuple(ScopeEntry.read(item) for item in entry.objects("scope")),
            not_granted=tuple(ScopeEntry.read(item) for item in entry.objects("not_granted")),
            audit_context=dict(entry.object("audit_context").raw) if entry.raw.get("audit_context") else {},
            raw=entry.raw,
        )


@dataclass(frozen=True, slots=True)
class Vended:
    """A lease with its keys, where they are good, and (if it was asked to be renewable) its lease token."""

    lease: Lease
    credentials: Credentials
    endpoint: Endpoint
    lease_token: LeaseToken | None
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, value: object) -> "Vended":
        entry = Reader(value)
        token = entry.text_or_none("lease_token")
        return cls(
            Lease.read(entry.object("lease")),
            Credentials.read(entry.object("credentials")),
            Endpoint.read(entry.object("endpoint")),
            LeaseToken(entry.key("lease_token")) if token is not None else None,
            entry.raw,
        )


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """What the gateway makes of the caller's token."""

    principal: str
    issuer: str
    admin: bool
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, value: object) -> "WhoAmI":
        entry = Reader(value)
        who = entry.raw.get("principal")
        name = entry.object("principal").text("name") if isinstance(who, dict) else entry.text("principal")
        return cls(
            name,
            entry.text_or_none("issuer") or "",
            entry.flag("admin"),
            entry.texts("roles"),
            entry.texts("groups"),
            entry.raw,
        )


TokenKind = Literal["id_token", "access_token"]


@dataclass(frozen=True, slots=True)
class IssuerHint:
    """An identity provider that the gateway trusts, and how to sign in there.

    `token` says which of the provider's tokens the gateway takes; None means that it has to be tried.
    """

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    token: TokenKind | None = None

    @classmethod
    def read(cls, entry: Reader) -> "IssuerHint":
        said = entry.raw.get("token")
        kind = next((kind for kind in get_args(TokenKind) if kind == said), None)
        return cls(entry.key("issuer"), entry.key("client_id"), entry.texts("scopes") or ("openid",), kind)


@dataclass(frozen=True, slots=True)
class SignInHints:
    """How one can sign in at a gateway."""

    issuers: Sequence[IssuerHint]
    kbase: bool

    @classmethod
    def read(cls, value: object) -> "SignInHints":
        entry = Reader(value)
        return cls(tuple(IssuerHint.read(item) for item in entry.objects("issuers")), entry.flag("kbase"))


def refusal_text(value: object) -> str:
    """Return a text of the gateway's error as something safe to print."""
    return printable(value) if isinstance(value, str) else ""
