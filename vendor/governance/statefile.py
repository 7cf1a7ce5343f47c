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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vendor.errors import InvalidName, InvalidPath
from vendor.governance.line_members import BadLine, Members
from vendor.governance.records import Share, Tenant, User, share_id
from vendor.names import TenantName, UserName, parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Level
from vendor.strict_json import BadJson, parse_object
from vendor.times import rfc3339

SCHEMA: Final = 1
LONGEST_LINE: Final = 65_536


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
        members = Members(parse_object(data))
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


def _header(members: Members) -> Header:
    if members.number("schema") != SCHEMA:
        raise BadLine(f"schema: not {SCHEMA}, which is all that is understood here")
    return Header(members.number("revision"), members.time("exported_at"))


def _user(members: Members) -> User:
    return User(
        name=parse_user_name(members.text("name")),
        first_seen=members.time("first_seen"),
        display_name=members.said("display_name"),
        email=members.said("email"),
        disabled=members.flag("disabled"),
        revision=0,
        keys_since=members.maybe("keys_since"),
    )


def _tenant(members: Members) -> Tenant:
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


def _member(members: Members) -> Member:
    tenant, user = parse_tenant_name(members.text("tenant")), parse_user_name(members.text("user"))
    return Member(tenant, user, members.choice("access", Access))


def _steward(members: Members) -> Steward:
    tenant, user = parse_tenant_name(members.text("tenant")), parse_user_name(members.text("user"))
    return Steward(tenant, user, members.time("assigned_at"), members.text("assigned_by"))


def _share(members: Members) -> Share:
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


def _end(members: Members) -> End:
    return End({kind: members.number(kind) for kind in KINDS})


_READERS: Final[dict[str, Callable[[Members], Line]]] = {
    "header": _header,
    "user": _user,
    "tenant": _tenant,
    "member": _member,
    "steward": _steward,
    "share": _share,
    "end": _end,
}
