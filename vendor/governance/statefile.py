"""The whole of governance as a file: one JSON object per line.

    {"type": "header", "schema": 1, "revision": 57, "exported_at": "2026-11-21T06:00:00Z"}
    {"type": "user", "name": "alice", "display_name": …, "email": …, "disabled": false, "first_seen": …, …}
    {"type": "tenant", "name": "kbase", "display_name": …, …, "created_at": …, "created_by": …, "updated_at": …, …}
    {"type": "member", "tenant": "kbase", "user": "alice", "access": "read_write"}
    {"type": "steward", "tenant": "kbase", "user": "alice", "assigned_at": …, "assigned_by": "carol"}
    {"type": "share", "path": "s3a://…", "owner": "user:alice", "with": "tenant:kbase", "access": "read",
     "expires_at": null, "created_by": "alice", "created_at": …}
    {"type": "end", "users": 1, "tenants": 1, "members": 1, "stewards": 1, "shares": 1}

A line names only users and tenants that stand above it.  Revisions are not in the lines: a state that is read gets new
ones.  Every member is always written; when read, those that may be null may also be left out, and nothing else may be
there.  This module is the format, both ways, and knows no rule beyond it.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vendor.errors import InvalidName, InvalidPath
from vendor.governance.records import Share, Target, TargetKind, Tenant, User, share_id
from vendor.governance.texts import FORMS
from vendor.names import TenantName, UserName, parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Level
from vendor.strict_json import BadJson, parse_object
from vendor.times import parse_rfc3339, rfc3339

SCHEMA: Final = 1
LONGEST_LINE: Final = 65_536
_YEAR_10000: Final = 253_402_300_800
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,2048}")


class BadLine(ValueError):
    """A line is not of this format.  The message names the member and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line."""

    revision: int
    exported_at: str


@dataclass(frozen=True, slots=True)
class Member:
    """A membership."""

    tenant: TenantName
    user: UserName
    access: Access


@dataclass(frozen=True, slots=True)
class Steward:
    """A steward's office."""

    tenant: TenantName
    user: UserName
    assigned_at: str
    assigned_by: str


@dataclass(frozen=True, slots=True)
class End:
    """The last line: how many of each kind there were, so that half a file is no file."""

    counts: dict[str, int]


KINDS: Final = ("users", "tenants", "members", "stewards", "shares")
Record = User | Tenant | Member | Steward | Share
Line = Header | Record | End


def write_line(line: Line) -> bytes:
    """Return a line with its newline."""
    return json.dumps(_members(line), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def counted(counts: Counter[str]) -> End:
    """Return the last line after records that were counted by `kind_of`."""
    return End({kind: counts[kind] for kind in KINDS})


def kind_of(record: Record) -> str:
    """Return which of `KINDS` a record is."""
    names: dict[type[Any], str] = dict(zip((User, Tenant, Member, Steward, Share), KINDS, strict=True))
    return names[type(record)]


def read_line(data: bytes) -> Line:
    """Parse a line.  Raises BadLine."""
    if len(data) > LONGEST_LINE:
        raise BadLine(f"longer than {LONGEST_LINE} bytes")
    try:
        members = _Members(parse_object(data))
        reader = _READERS.get(members.text("type"))
        if reader is None:
            raise BadLine("type: not known")
        line = reader(members)
        members.done()
    except BadJson as problem:
        raise BadLine(f"no JSON object with one meaning: {problem}") from None
    except (InvalidName, InvalidPath) as problem:
        raise BadLine(problem.message) from None
    return line


def _members(line: Line) -> dict[str, object]:
    match line:
        case Header():
            return {
                "type": "header", "schema": SCHEMA, "revision": line.revision, "exported_at": line.exported_at,
            }  # fmt: skip
        case User():
            return {
                "type": "user", "name": line.name, "display_name": line.display_name, "email": line.email,
                "disabled": line.disabled, "first_seen": line.first_seen, "keys_since": line.keys_since,
            }  # fmt: skip
        case Tenant():
            return {
                "type": "tenant", "name": line.name, "display_name": line.display_name,
                "description": line.description, "website": line.website, "organization": line.organization,
                "created_at": line.created_at, "created_by": line.created_by,
                "updated_at": line.updated_at, "updated_by": line.updated_by,
            }  # fmt: skip
        case Member():
            return {"type": "member", "tenant": line.tenant, "user": line.user, "access": str(line.access)}
        case Steward():
            return {
                "type": "steward", "tenant": line.tenant, "user": line.user,
                "assigned_at": line.assigned_at, "assigned_by": line.assigned_by,
            }  # fmt: skip
        case Share():
            return {
                "type": "share", "path": line.path.text, "owner": str(line.owner), "with": str(line.target),
                "access": str(line.level), "expires_at": line.expires_at and rfc3339(line.expires_at),
                "created_by": line.created_by, "created_at": line.created_at,
            }  # fmt: skip
        case End():
            return {"type": "end", **line.counts}


class _Members:
    """The members of one object, each taken once; what is left at the end is unknown."""

    def __init__(self, members: dict[str, object]) -> None:
        self._left = members

    def text(self, name: str, pattern: re.Pattern[str] = _LINE) -> str:
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadLine(f"{name}: missing, or not of the form it has")
        return value

    def maybe(self, name: str, pattern: re.Pattern[str] = _LINE) -> str | None:
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return None
        return self.text(name, pattern)

    def said(self, name: str) -> str | None:
        return self.maybe(name, FORMS[name])

    def flag(self, name: str) -> bool:
        value = self._left.pop(name, None)
        if not isinstance(value, bool):
            raise BadLine(f"{name}: neither true nor false")
        return value

    def number(self, name: str) -> int:
        value = self._left.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadLine(f"{name}: not a whole number")
        return value

    def time(self, name: str) -> str:
        return rfc3339(self.moment(name))

    def moment(self, name: str) -> float:
        try:
            moment = parse_rfc3339(self.text(name))
        except (ValueError, OverflowError):
            moment = -1.0
        if not 0 <= moment < _YEAR_10000:
            raise BadLine(f"{name}: not an RFC 3339 time with an offset, of 1970 to 9999")
        return float(math.floor(moment))

    def maybe_moment(self, name: str) -> float | None:
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return None
        return self.moment(name)

    def choice(self, name: str, choices: type[Access] | type[Level]) -> Any:
        try:
            return choices(self.text(name))
        except ValueError:
            raise BadLine(f"{name}: not one of {', '.join(choices)}") from None

    def party(self, name: str) -> Target:
        kind, _, who = self.text(name).partition(":")
        if kind == "user":
            return Target(TargetKind.USER, parse_user_name(who))
        if kind == "tenant":
            return Target(TargetKind.TENANT, parse_tenant_name(who))
        if kind == "everyone" and not who:
            return Target(TargetKind.EVERYONE)
        raise BadLine(f"{name}: neither user:<name>, tenant:<name> nor everyone")

    def done(self) -> None:
        if self._left:
            raise BadLine("a member is not known")


def _header(members: _Members) -> Header:
    if members.number("schema") != SCHEMA:
        raise BadLine(f"schema: not {SCHEMA}, which is all that is understood here")
    return Header(members.number("revision"), members.time("exported_at"))


def _user(members: _Members) -> User:
    return User(
        name=parse_user_name(members.text("name")),
        first_seen=members.time("first_seen"),
        display_name=members.said("display_name"),
        email=members.said("email"),
        disabled=members.flag("disabled"),
        revision=0,
        keys_since=members.maybe("keys_since"),
    )


def _tenant(members: _Members) -> Tenant:
    return Tenant(
        name=parse_tenant_name(members.text("name")),
        display_name=members.said("display_name"),
        description=members.said("description"),
        website=members.said("website"),
        organization=members.said("organization"),
        created_at=members.time("created_at"),
        created_by=members.text("created_by"),
        updated_at=members.time("updated_at"),
        updated_by=members.text("updated_by"),
        revision=0,
        stewards_revision="",
    )


def _member(members: _Members) -> Member:
    tenant, user = parse_tenant_name(members.text("tenant")), parse_user_name(members.text("user"))
    return Member(tenant, user, members.choice("access", Access))


def _steward(members: _Members) -> Steward:
    tenant, user = parse_tenant_name(members.text("tenant")), parse_user_name(members.text("user"))
    return Steward(tenant, user, members.time("assigned_at"), members.text("assigned_by"))


def _share(members: _Members) -> Share:
    path, target = parse_s3_path(members.text("path")), members.party("with")
    return Share(
        id=share_id(path, target),
        path=path,
        target=target,
        level=members.choice("access", Level),
        expires_at=members.maybe_moment("expires_at"),
        owner=members.party("owner"),
        created_by=members.text("created_by"),
        created_at=members.time("created_at"),
    )


def _end(members: _Members) -> End:
    return End({kind: members.number(kind) for kind in KINDS})


_READERS: Final[dict[str, Callable[[_Members], Line]]] = {
    "header": _header,
    "user": _user,
    "tenant": _tenant,
    "member": _member,
    "steward": _steward,
    "share": _share,
    "end": _end,
}
