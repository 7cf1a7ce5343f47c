"""Delete a user or a tenant with everything that hangs on it, and never an object in a store.

What hangs on it goes first, each piece with its own event, then the record itself.  Usually all of that is one step.
What is larger goes in several, each whole in itself: if one of them fails, the user or the tenant is still there with
fewer members or shares, and deleting it again goes on.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from vendor.audit.event import Kind
from vendor.errors import LastSteward, UnknownTenant, UnknownUser
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.records import Share, Target, TargetKind, Tenant, User
from vendor.names import TenantName, UserName
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Decided, Desk, require_revision

AT_ONCE: Final = 1000  # pieces in one step, which takes Redis some milliseconds


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to take away, and how it is recorded."""

    drop: Callable[[Change], None]
    kind: Kind
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Doomed:
    """A user or a tenant, and what hangs on it: all of it, or more than goes at once.

    `guards` are what must still hold when the record itself goes, so that nothing has come to hang on it meanwhile.
    """

    revision: int
    pieces: list[Piece]
    guards: list[tuple[str, str, str | bool]]
    drop: Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Removal:
    """The use cases of deleting.  For administrators (RoleRequired)."""

    desk: Desk

    async def of_user(self, caller: Caller, name: UserName, *, force: bool, revision: int | None) -> None:
        """Delete a user: memberships, offices, the shares of their paths and those with them.

        Somebody who can still sign in becomes known again, with nothing; who is to stay out has to be disabled.
        Raises UnknownUser, StaleRevision, Conflict, and LastSteward unless `force`.
        """
        read = partial(self._user, caller, name, force=force)
        await self._remove(caller, read, Kind.USER_DELETED, {"user": name, "forced": force}, revision)

    async def of_tenant(self, caller: Caller, name: TenantName, *, revision: int | None) -> None:
        """Delete a tenant: members, stewards, the shares of its paths and those with it.

        Whoever creates a tenant of this name later finds the objects in its folders.  Raises UnknownTenant,
        StaleRevision, Conflict.
        """
        read = partial(self._tenant, caller, name)
        await self._remove(caller, read, Kind.TENANT_DELETED, {"tenant": name}, revision)

    async def _remove(
        self,
        caller: Caller,
        read: Callable[[], Awaitable[Doomed]],
        kind: Kind,
        facts: Mapping[str, object],
        revision: int | None,
    ) -> None:
        require_admin(caller, "delete a user or a tenant")
        require_unlimited(caller)
        wanted, removed = revision, 0

        async def decide() -> Decided[int]:
            doomed = await read()
            require_revision(wanted, doomed.revision)
            now = self.desk.clock()
            change = Change()
            events = []
            for piece in doomed.pieces[:AT_ONCE]:
                piece.drop(change)
                events.append(caller.event(piece.kind, now, **piece.facts, because=str(kind), as_admin=True))
            left = len(doomed.pieces) - len(events)
            if not left:
                for guard in doomed.guards:
                    change.require(*guard)
                doomed.drop(change)
                pieces = removed + len(events)
                events.append(caller.event(kind, now, **facts, pieces=pieces, as_admin=True))
            return Decided(left, change, events)

        while await self.desk.commit(caller, decide):
            wanted = None  # the steps so far have changed it themselves
            removed += AT_ONCE

    async def _user(self, caller: Caller, name: UserName, *, force: bool) -> Doomed:
        home = keys.home_of(name)
        _, (stored, tenants, offices, *about_shares) = await self.desk.look(
            caller,
            ("HGETALL", keys.user(name)),
            ("HGETALL", keys.memberships(name)),
            ("ZRANGE", keys.stewardships(name), 0, -1),
            *_reads_of_shares(home),
        )
        found = User.read(name, stored)
        if found is None:
            raise UnknownUser("There is no such user.")
        pieces, guards = await self._shares(caller, home, about_shares)
        pieces += (_membership(TenantName(tenant), name, access) for tenant, access in tenants.items())
        seen = {} if force else await self._others_look_after(caller, [TenantName(tenant) for tenant in offices])
        pieces += (_office(TenantName(tenant), name, seen.get(tenant)) for tenant in offices)
        return Doomed(found.revision, pieces, guards, partial(edits.drop_user, name=name))

    async def _tenant(self, caller: Caller, name: TenantName) -> Doomed:
        owner = Target(TargetKind.TENANT, name)
        _, (stored, members, stewards, *about_shares) = await self.desk.look(
            caller,
            ("HGETALL", keys.tenant(name)),
            ("HGETALL", keys.members(name)),
            ("HGETALL", keys.stewards(name)),
            *_reads_of_shares(owner),
        )
        found = Tenant.read(name, stored)
        if found is None:
            raise UnknownTenant("There is no such tenant.")
        pieces, guards = await self._shares(caller, owner, about_shares)
        pieces += (_membership(name, UserName(user), access) for user, access in members.items())
        pieces += (_office(name, UserName(user), None) for user in stewards)
        guards.append((keys.tenant(name), "rev", str(found.revision)))
        return Doomed(found.revision, pieces, guards, partial(edits.drop_tenant, name=name))

    async def _shares(
        self, caller: Caller, party: Target, answers: list[Any]
    ) -> tuple[list[Piece], list[tuple[str, str, str | bool]]]:
        by, to, given, received = answers
        ids = list(received)[: AT_ONCE + 1]
        _, hashes = await self.desk.look(caller, *(("HGETALL", keys.share(share_id)) for share_id in ids))
        stored = [(place.partition("\t")[2], fields) for place, fields in given] + list(zip(ids, hashes, strict=True))
        shares = (Share.read(share_id, fields) for share_id, fields in stored)
        guards: list[tuple[str, str, str | bool]] = [
            (keys.REVISIONS, keys.given_by(party), by or False),
            (keys.REVISIONS, keys.given_to(party), to or False),
        ]
        return [share_piece(share) for share in shares if share is not None], guards

    async def _others_look_after(self, caller: Caller, offices: list[TenantName]) -> dict[str, str]:
        """Raise LastSteward if a tenant would be left without steward; return the revisions of their stewards."""
        reads = [read for name in offices for read in (("HGETALL", keys.tenant(name)), ("HLEN", keys.stewards(name)))]
        _, answers = await self.desk.look(caller, *reads)
        for name, count in zip(offices, answers[1::2], strict=True):
            if count == 1:
                raise LastSteward(
                    f"This user is the last steward of the tenant {name}.",
                    remedy="Name another steward first, or delete with force=true.",
                    details={"tenant": name},
                )
        return {name: tenant.get("stewards_rev", "") for name, tenant in zip(offices, answers[::2], strict=True)}


def share_piece(share: Share) -> Piece:
    """A share as something to take away, and how that is recorded."""
    facts = {"share": share.id, "path": share.path.text, "owner": str(share.owner), "target": str(share.target)}
    return Piece(partial(edits.drop_share, share=share), Kind.SHARE_REMOVED, facts)


def _reads_of_shares(party: Target) -> list[tuple[str | int, ...]]:
    return [
        ("HGET", keys.REVISIONS, keys.given_by(party)),
        ("HGET", keys.REVISIONS, keys.given_to(party)),
        ("EACH", keys.SHARE, "ZRANGE", keys.shares_by(party), 0, AT_ONCE),
        ("HGETALL", keys.shares_with(party)),
    ]


def _membership(tenant: TenantName, user: UserName, access: str) -> Piece:
    drop = partial(_drop_member, tenant=tenant, user=user, access=access)
    return Piece(drop, Kind.MEMBER_REMOVED, {"tenant": tenant, "user": user, "before": access})


def _drop_member(change: Change, tenant: TenantName, user: UserName, access: str) -> None:
    change.require(keys.members(tenant), user, access)
    edits.drop_member(change, tenant, user)


def _office(tenant: TenantName, user: UserName, seen: str | None) -> Piece:
    drop = partial(_drop_steward, tenant=tenant, user=user, seen=seen)
    return Piece(drop, Kind.STEWARD_REMOVED, {"tenant": tenant, "user": user, "forced": seen is None})


def _drop_steward(change: Change, tenant: TenantName, user: UserName, seen: str | None) -> None:
    if seen is not None:
        change.require(keys.tenant(tenant), "stewards_rev", seen)
    edits.drop_steward(change, tenant, user)
