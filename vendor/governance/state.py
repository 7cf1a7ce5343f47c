"""Governance as Redis keeps it: read everything about one user in one step, change things in one step.

Reading and deciding happen in Python, writing in one Lua script that first checks that what was read still holds.
So a rule is ordinary code that can be tested, and a lost race is a Conflict, never a silent overwrite.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final, cast

from vendor.database import Database, Script
from vendor.governance.change import Change, Part
from vendor.governance.keys import Keys
from vendor.governance.records import User, membership, share_grant
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access, Grant, Level
from vendor.spans import traced


def script(*names: str) -> Script:
    """Return the script that `lua/<name>.lua` are, one after the other, with what all scripts share in front."""
    folder = files("vendor.governance") / "lua"
    return Script("".join((folder / f"{name}.lua").read_text() for name in ("base", *names)))


READ: Final = script("resolve", "read")
RECORD: Final = script("resolve", "record")
LOOK: Final = script("look")
COMMIT: Final = script("change", "commit")


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


class Held(Exception):
    """Changes are held back for a moment, while somebody copies the whole state."""


class Governance:
    """The repository of users, tenants, members, stewards and shares.

    Every method raises StateUnavailable when Redis is away or holds something that cannot be read.
    """

    def __init__(self, database: Database, keys: Keys, stream: str) -> None:
        self._database = database
        self._keys = [keys.root]
        self._stream = stream

    @traced("grants")
    async def standing(self, subject: Subject) -> Standing:
        """Read everything that decides what this principal may touch: one round trip."""
        arguments = subject.arguments()
        revision, digest, facts = await self._database.run(READ, self._keys, arguments, repeatable=True)
        return _standing(subject, revision, digest, facts)

    @traced("record")
    async def record(self, standing: Standing, event: str) -> Standing | None:
        """Append `event` to the audit stream if the standing still holds: one round trip.

        Returns None when it was recorded; otherwise the present standing, and nothing was written.
        """
        answer = await self._database.run(
            RECORD,
            [*self._keys, self._stream],
            [*standing.subject.arguments(), standing.revision, standing.digest, event],
            repeatable=False,
        )
        return None if answer[0] == 1 else _standing(standing.subject, *answer[1:])

    async def look(self, *reads: Sequence[Part]) -> tuple[int, list[Any]]:
        """Read several things in one step and one round trip: the revision, and an answer for each read.

        A read is a Redis command on a governance key; HGETALL answers with a dict.  `EACH`, a prefix and a command
        reads the hash behind each member that the command returns, as a list of (member, dict).
        """
        revision, answers = await self._database.run(LOOK, self._keys, [json.dumps(reads)], repeatable=True)
        return int(revision), [_typed(str(read[0]), answer) for read, answer in zip(reads, answers, strict=True)]

    async def commit(self, change: Change, events: Sequence[str]) -> int | None:
        """Make the change and record its events in one step.

        Returns the new revision; None when a check did not hold, and nothing was done.  Raises Held.
        """
        body = json.dumps({"checks": change.checks, "room": change.room, "ops": change.ops, "events": list(events)})
        answer = await self._database.run(COMMIT, [*self._keys, self._stream], [body], repeatable=False)
        if answer[0] < 0:
            raise Held
        return cast(int, answer[0]) or None


def _typed(command: str, answer: Any) -> Any:
    if command == "HGETALL":
        return dict(_pairs(answer))
    if command == "EACH":
        return [(member, dict(_pairs(fields))) for member, fields in _pairs(answer)]
    return answer


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


def _pairs(flat: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
