"""Who reaches what, and why, as calls: `client.run(reach.explain(...))`, with either client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vendor.client.answers import Access, Reader
from vendor.client.calls import Call
from vendor.names import parse_s3_path, parse_user_name


@dataclass(frozen=True, slots=True)
class Grant:
    """One path that may be reached, at which level, because of what, and until when."""

    path: str
    access: str
    source: str
    expires_at: str | None
    bytes: int | None

    @classmethod
    def read(cls, entry: Reader) -> "Grant":
        size = entry.raw.get("bytes")
        return cls(
            entry.text("path"),
            entry.text("access"),
            entry.text("source"),
            entry.text_or_none("expires_at"),
            size if isinstance(size, int) else None,
        )


@dataclass(frozen=True, slots=True)
class AccessOverview:
    """All that is granted, and what one lease for all of it would weigh."""

    grants: Sequence[Grant]
    bytes: int
    limit: int
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, value: object) -> "AccessOverview":
        entry = Reader(value)
        policy = entry.object("policy")
        return cls(
            [Grant.read(item) for item in entry.objects("grants")],
            policy.number("bytes"),
            policy.number("limit"),
            entry.raw,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether something is allowed, because of what, and if not, what comes nearest and what would help."""

    allowed: bool
    because: Sequence[Grant]
    nearest: Sequence[Grant]
    remedy: str
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, value: object) -> "Explanation":
        entry = Reader(value)
        return cls(
            entry.raw.get("allowed") is True,
            [Grant.read(item) for item in entry.objects("because")],
            [Grant.read(item) for item in entry.objects("nearest")],
            entry.text_or_none("remedy") or "",
            entry.raw,
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who reaches a path, through what, and with how many live leases."""

    holder: str
    source: str
    access: str
    path: str
    expires_at: str | None
    live_leases: int | None
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, entry: Reader) -> "Holder":
        live = entry.raw.get("live_leases")
        return cls(
            entry.text("holder"),
            entry.text("source"),
            entry.text("access"),
            entry.text("path"),
            entry.text_or_none("expires_at"),
            live if isinstance(live, int) else None,
            entry.raw,
        )


def access() -> Call[AccessOverview]:
    """Everything that is granted to one."""
    return Call("GET", "/v1/access", AccessOverview.read)


def explain(path: str, action: str, as_user: str | None = None) -> Call[Explanation]:
    """Whether `read`, `write`, `list` or an S3 action on a path is allowed, and why (not)."""
    parse_s3_path(path)
    body: dict[str, object] = {"path": path, "action": action}
    if as_user is not None:
        body["as"] = parse_user_name(as_user)
    return Call("POST", "/v1/explain", Explanation.read, body=body)


def who_can(path: str, level: Access) -> Call[Sequence[Holder]]:
    """Who reaches a path, and through what."""
    parse_s3_path(path)
    params = {"path": path, "access": level}
    return Call(
        "GET", "/v1/who-can", lambda v: [Holder.read(item) for item in Reader(v).objects("holders")], params=params
    )
