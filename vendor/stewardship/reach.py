"""Read shares: of an owner, of a path, with a target; and who reaches a path through governance."""

from dataclasses import dataclass

from vendor.errors import NotOwner, UnknownShare, UnknownUser
from vendor.governance import keys
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import Prefix, S3Path, TenantName
from vendor.policy.layout import Layout
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk
from vendor.stewardship.ownership import control, owner_of
from vendor.stewardship.shares import read_shares
from vendor.stewardship.tenant import stand_before


@dataclass(frozen=True, slots=True)
class Page:
    """Some shares of a list.  `following` is the place to go on from, None at the end; `revision` is the list's."""

    shares: list[Share]
    following: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class PathReach:
    """Who reaches a path: its owner (all members, for a tenant), and those it or a folder above is shared with.

    `shares` are live and cover the whole path; `below` are live shares of places inside it, at most as many as were
    asked for.  Members of tenants are not listed: what this takes does not depend on how many there are.
    """

    owner: Target
    shares: list[Share]
    below: list[Share]


@dataclass(frozen=True, slots=True)
class Reach:
    """The use cases of reading shares."""

    desk: Desk
    layout: Layout

    async def given(self, caller: Caller, owner: Target | None, after: str, count: int) -> Page:
        """List up to `count` shares of the paths of `owner`, by default of the caller's home, in their paths' order.

        `after` is a `following` of this list, empty for its beginning.  Raises NotOwner, UnknownUser, UnknownTenant.
        """
        owner = owner or caller.home
        if owner is None:
            raise NotOwner("This identity has no home.")
        await control(self.desk, caller, owner)
        return await self._listed(caller, owner, count, f"({after}" if after else "-", "+")

    async def received(self, caller: Caller, target: Target, after: str, count: int) -> Page:
        """List up to `count` shares with a target, in the order of their ids, from after the id `after`.

        For a user themself; a tenant's members and stewards; everybody, for what everyone has; and administrators.
        Raises UnknownUser, UnknownTenant.
        """
        await self._require_concerned(caller, target)
        _, (field, entries) = await self.desk.look(
            caller, ("HGET", keys.REVISIONS, keys.given_to(target)), ("HGETALL", keys.shares_with(target))
        )
        ids = [share_id for share_id in sorted(entries) if share_id > after][:count]
        _, hashes = await self.desk.look(caller, *(("HGETALL", keys.share(share_id)) for share_id in ids))
        shares = read_shares(list(zip(ids, hashes, strict=True)))
        return Page(shares, ids[-1] if len(ids) == count else None, int(field or 0))

    async def at(self, caller: Caller, path: S3Path, after: str, count: int) -> Page:
        """List up to `count` shares of exactly this path.  `after` is a `following` of this list.  Raises NotOwner."""
        owner = owner_of(path, self.layout)
        await control(self.desk, caller, owner)
        first, end = keys.exactly_at(path.bucket, path.prefix)
        return await self._listed(caller, owner, count, f"({after}" if after > first[1:] else first, end)

    async def one(self, caller: Caller, share_id: str) -> Share:
        """Return a share to those who can list it; to others it is an UnknownShare."""
        _, (stored, memberships) = await self.desk.look(
            caller, ("HGETALL", keys.share(share_id)), ("HGETALL", keys.memberships(caller.name))
        )
        share = Share.read(share_id, stored)
        if share is None:
            raise UnknownShare("There is no such share.")
        target = share.target
        through = target.kind is TargetKind.EVERYONE or (
            target.kind is TargetKind.TENANT and target.name in memberships
        )
        if not through and target != keys.home_of(caller.name):
            try:
                await control(self.desk, caller, share.owner)
            except NotOwner:
                raise UnknownShare("There is no such share.") from None
        return share

    async def of(self, caller: Caller, path: S3Path, *, below: int = 0) -> PathReach:
        """Say who reaches a path, and name up to `below` shares of places inside it.

        For the path's owner, its tenant's stewards, and administrators.  Raises NotOwner.
        """
        owner = owner_of(path, self.layout)
        await control(self.desk, caller, owner)
        index = keys.shares_by(owner)
        covering = [
            ("EACH", keys.SHARE, "ZRANGEBYLEX", index, *keys.exactly_at(path.bucket, folder))
            for folder in _folders_down_to(path.prefix)
        ]
        inside = ("EACH", keys.SHARE, "ZRANGEBYLEX", index, *keys.below(path.bucket, path.prefix), "LIMIT", 0, below)
        _, (*found, found_below) = await self.desk.look(caller, *covering, inside)
        now = self.desk.clock()
        shares = [share for some in found for share in read_shares(some) if share.live(now)]
        return PathReach(owner, shares, [share for share in read_shares(found_below) if share.live(now)])

    async def _listed(self, caller: Caller, owner: Target, count: int, *span: str) -> Page:
        """Read a span of the shares of an owner's paths."""
        _, (revision, found) = await self.desk.look(
            caller,
            ("HGET", keys.REVISIONS, keys.given_by(owner)),
            ("EACH", keys.SHARE, "ZRANGEBYLEX", keys.shares_by(owner), *span, "LIMIT", 0, count),
        )
        return Page(read_shares(found), found[-1][0] if len(found) == count else None, int(revision or 0))

    async def _require_concerned(self, caller: Caller, target: Target) -> None:
        if target.kind is TargetKind.TENANT:
            await stand_before(self.desk, caller, TenantName(target.name))
        elif target.kind is TargetKind.USER and not caller.admin and target.name != caller.name:
            raise UnknownUser("There is no such user.")


def _folders_down_to(prefix: Prefix) -> list[Prefix]:
    ends = [position + 1 for position, character in enumerate(prefix) if character == "/"]
    return [Prefix(prefix[:end]) for end in ends]
