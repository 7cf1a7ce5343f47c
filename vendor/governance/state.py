"""Governance as Redis keeps it: read everything about one user in one step, change things in one step.

Reading and deciding happen in Python, writing in one Lua script that first checks that what was read still holds.
So a rule is ordinary code that can be tested, and a lost race is a Conflict, never a silent overwrite.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any, Final, cast

from vendor.database import Database, Script
from vendor.governance.keys import Keys
from vendor.governance.records import Share, Tenant, User, membership, share_grant
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access, Grant, Level


def _script(name: str, *, joined: bool) -> Script:
    folder = files("vendor.governance") / "lua"
    text = (folder / f"{name}.lua").read_text()
    return Script((folder / "resolve.lua").read_text() + text if joined else text)


READ: Final = _script("read", joined=True)
RECORD: Final = _script("record", joined=True)
COMMIT: Final = _script("commit", joined=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose rights are read: a user's own, or, for one that acts for a tenant, that tenant's and no others."""

    name: UserName
    tenant: TenantName | None = None
    access: Access | None = None

    def arguments(self) -> tuple[str, str, str]:
        """As the scripts take it."""
        return self.name, self.tenant or "", "" if self.access is None else str(self.access)


@dataclass(frozen=True, slots=True)
class Standing:
    """What governance says of one principal at one moment.

    `shares` are grants with their level as shared, expired ones included; shares that reached the user through a
    tenant are already cut to the user's own level there.  `revision` and `digest` tell whether any of it has changed.
    """

    subject: Subject
    user: User | None
    tenants: dict[TenantName, Access]
    shares: tuple[Grant, ...]
    revision: str
    digest: str


@dataclass(slots=True)
class Change:
    """A change to be made in one step.

    `checks` are `(key, field, expected)`: a text, False for absent, True for present.  `ops` are Redis commands on
    governance keys (HSET, HDEL, DEL, ZADD, ZREM); a value `@rev` stands for the new revision.
    """

    checks: list[tuple[str, str, str | bool]] = field(default_factory=list)
    ops: list[tuple[str | int, ...]] = field(default_factory=list)

    def require(self, key: str, name: str, expected: str | bool) -> None:
        """Do nothing at all unless the field has this value."""
        self.checks.append((key, name, expected))

    def do(self, *op: str | int) -> None:
        """Add a command."""
        self.ops.append(op)

    def put(self, key: str, fields: dict[str, str]) -> None:
        """Set fields of a hash."""
        self.do("HSET", key, *(part for pair in fields.items() for part in pair))


class Governance:
    """The repository of users, tenants, members, stewards and shares.

    Every method raises StateUnavailable when Redis is away or holds something that cannot be read.
    """

    def __init__(self, database: Database, keys: Keys, stream: str) -> None:
        self._database = database
        self._stream = stream
        self.keys = keys

    async def standing(self, subject: Subject) -> Standing:
        """Read everything that decides what this principal may touch: one round trip."""
        arguments = subject.arguments()
        revision, digest, facts = await self._database.run(READ, [self.keys.root], arguments, repeatable=True)
        return _standing(subject, revision, digest, facts)

    async def record(self, standing: Standing, event: str) -> Standing | None:
        """Append `event` to the audit stream if the standing still holds: one round trip.

        Returns None when it was recorded; otherwise the present standing, and nothing was written.
        """
        answer = await self._database.run(
            RECORD,
            [self.keys.root, self._stream],
            [*standing.subject.arguments(), standing.revision, standing.digest, event],
            repeatable=False,
        )
        return None if answer[0] == 1 else _standing(standing.subject, *answer[1:])

    async def commit(self, change: Change, events: Sequence[str]) -> int | None:
        """Make the change and record its events in one step.

        Returns the new revision; None when a check did not hold, and nothing was done.
        """
        body = json.dumps({"checks": change.checks, "ops": change.ops, "events": list(events)})
        answer = await self._database.run(COMMIT, [self.keys.root, self._stream], [body], repeatable=False)
        return cast(int, answer[0]) or None

    async def user(self, name: UserName) -> User | None:
        """Read one user."""
        return User.read(name, await self._database.get_hash(self.keys.user(name)))

    async def tenant(self, name: TenantName) -> Tenant | None:
        """Read one tenant's metadata."""
        return Tenant.read(name, await self._database.get_hash(self.keys.tenant(name)))

    async def tenant_with_people(self, name: TenantName) -> tuple[Tenant | None, dict[str, str], dict[str, str]]:
        """Read a tenant, its members (user → access) and its stewards (user → JSON of when and by whom).

        The tenant is read first: whatever changes after that also changes its revision.
        """
        keys = self.keys
        tenant, members, stewards = await self._database.get_hashes(
            [keys.tenant(name), keys.members(name), keys.stewards(name)]
        )
        return Tenant.read(name, tenant), members, stewards

    async def stewards(self, name: TenantName) -> dict[str, str]:
        """Read a tenant's stewards: user → JSON of when and by whom."""
        return await self._database.get_hash(self.keys.stewards(name))

    async def share(self, share_id: str) -> Share | None:
        """Read one share."""
        return Share.read(share_id, await self._database.get_hash(self.keys.share(share_id)))

    async def shares(self, index: str, after: str, count: int) -> list[Share]:
        """Read up to `count` shares of a lexical index, in the order of their ids."""
        ids = await self._database.members_from(index, after, count)
        stored = await self._database.get_hashes([self.keys.share(share_id) for share_id in ids])
        found = (Share.read(share_id, fields) for share_id, fields in zip(ids, stored, strict=True))
        return [share for share in found if share is not None]

    async def tenants(self, after: str, count: int) -> list[Tenant]:
        """Read up to `count` tenants in the order of their names."""
        names = [TenantName(name) for name in await self._database.members_from(self.keys.tenants, after, count)]
        stored = await self._database.get_hashes([self.keys.tenant(name) for name in names])
        found = (Tenant.read(name, fields) for name, fields in zip(names, stored, strict=True))
        return [tenant for tenant in found if tenant is not None]


def _standing(subject: Subject, revision: str, digest: str, facts: list[Any]) -> Standing:
    stored_user, stored_memberships, own, everyone, *through = facts
    tenants = dict(membership(tenant, access) for tenant, access in _pairs(stored_memberships))
    grants = [share_grant(share_id, entry) for share_id, entry in (*_pairs(own), *_pairs(everyone))]
    for tenant, shares in through:
        most = tenants[TenantName(tenant)].level
        grants += (_at_most(share_grant(share_id, entry), most) for share_id, entry in _pairs(shares))
    return Standing(
        subject=subject,
        user=User.read(subject.name, dict(_pairs(stored_user))),
        tenants=tenants,
        shares=tuple(grants),
        revision=revision,
        digest=digest,
    )


def _at_most(grant: Grant, level: Level) -> Grant:
    return replace(grant, level=grant.level.at_most(level))


def _pairs(flat: list[str]) -> list[tuple[str, str]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
