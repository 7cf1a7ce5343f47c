"""Shares: an owner lets somebody else reach one path, and takes it back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from vendor.audit.event import Kind
from vendor.errors import InvalidRequest, NotOwner, ScopeNotGranted, UnknownShare, VendError
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.records import Share, Target, TargetKind, share_id
from vendor.names import S3Path
from vendor.policy.grant import Level
from vendor.policy.layout import Layout
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import ANY, Decided, Desk, require_revision
from vendor.stewardship.ownership import Control, control, owner_of, require_in_scope
from vendor.stewardship.removal import share_piece
from vendor.stewardship.sharing import Candidate, Facts, read_facts
from vendor.times import rfc3339

EVERYONE: Final = Target(TargetKind.EVERYONE)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Offer:
    """What an owner wants to share.  `expires_at` is in seconds since the epoch, None for no end."""

    path: S3Path
    targets: tuple[Target, ...]
    level: Level
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one target of an offer: its share, or why there is none."""

    target: Target
    share: Share | None = None
    refusal: VendError | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """The use cases about making shares and taking them back.

    Homes are shared by their owner, tenants' paths by their stewards, both also by administrators; anything else by
    nobody.  What is so already changes nothing, and is not recorded.
    """

    desk: Desk
    layout: Layout

    async def create(self, caller: Caller, offer: Offer, *, revision: int | None = None) -> list[Share]:
        """Share a path with each target: all of them in one step, or none.  Sharing again replaces level and end.

        `revision` is that of the list of the owner's shares.  Raises NotOwner, NotSteward, InvalidRequest, UnknownUser,
        UnknownTenant, ScopeNotGranted, StaleRevision, Conflict.
        """
        outcomes = await self._create(caller, offer, revision, all_or_none=True)
        return [outcome.share for outcome in outcomes if outcome.share is not None]

    async def create_each(self, caller: Caller, offer: Offer) -> list[Outcome]:
        """Share a path with those targets it can be shared with, in one step, and say of each what came of it.

        Raises what does not hang on a target: NotOwner, InvalidRequest, ScopeNotGranted, Conflict.
        """
        return await self._create(caller, offer, None, all_or_none=False)

    async def _create(self, caller: Caller, offer: Offer, revision: int | None, *, all_or_none: bool) -> list[Outcome]:
        owner = owner_of(offer.path, self.layout)
        expires_at = None if offer.expires_at is None else float(math.floor(offer.expires_at))
        if expires_at is not None and expires_at <= self.desk.clock():
            raise InvalidRequest("expires_at: the share would have ended already.")
        targets = tuple(dict.fromkeys(offer.targets))

        async def decide() -> Decided[list[Outcome]]:
            held = await control(self.desk, caller, owner)
            require_in_scope(caller, offer.path, offer.level)
            change = Change()
            await self._require_list(change, caller, owner, revision)
            facts = await read_facts(self.desk, caller, held, offer.path, offer.level, targets)
            outcomes = [self._outcome(facts, candidate, offer, expires_at) for candidate in facts.candidates]
            for outcome in outcomes:
                if outcome.refusal is not None and all_or_none:
                    raise outcome.refusal
            wanted = zip(outcomes, facts.candidates, strict=True)
            made = [(one.share, candidate) for one, candidate in wanted if one.share and one.share != candidate.share]
            if not made:
                return Decided(outcomes)
            held.keep(change, caller)
            for share, candidate in made:
                facts.keep(change, candidate)
                edits.put_share(change, share)
            event = {
                "path": offer.path.text,
                "owner": str(owner),
                "access": str(offer.level),
                "expires_at": None if expires_at is None else rfc3339(expires_at),
                "shares": {share.id: str(share.target) for share, _ in made},
                "as_admin": held.as_admin,
            }
            return Decided(outcomes, change, [caller.event(Kind.SHARE_CREATED, self.desk.clock(), **event)])

        outcomes, made_at = await self.desk.commit_at(caller, decide)
        return [_numbered(outcome, made_at) for outcome in outcomes]

    def _outcome(self, facts: Facts, candidate: Candidate, offer: Offer, expires_at: float | None) -> Outcome:
        refusal = facts.refusal(candidate)
        if refusal is not None:
            return Outcome(candidate.target, refusal=refusal)
        there = candidate.share
        if there is not None and (there.level, there.expires_at) == (offer.level, expires_at):
            return Outcome(candidate.target, there)
        share = Share(
            id=share_id(offer.path, candidate.target),
            path=offer.path,
            target=candidate.target,
            level=offer.level,
            expires_at=expires_at,
            owner=facts.control.owner,
            created_by=facts.caller.name,
            created_at=rfc3339(self.desk.clock()),
        )
        return Outcome(candidate.target, share)

    async def remove(self, caller: Caller, share_id: str, *, revision: int | None = None) -> None:
        """Take a share back.  To those who neither own nor were offered it, it is an UnknownShare.

        Raises UnknownShare, NotOwner, StaleRevision, Conflict.
        """

        async def decide() -> Decided[None]:
            _, (stored,) = await self.desk.look(caller, ("HGETALL", keys.share(share_id)))
            share = Share.read(share_id, stored)
            if share is None:
                raise UnknownShare("There is no such share.")
            try:
                held = await control(self.desk, caller, share.owner)
                require_in_scope(caller, share.path, Level.READ)
            except (NotOwner, ScopeNotGranted):
                if share.target == keys.home_of(caller.name):
                    raise NotOwner("Only the owner of this path can take the share back.") from None
                raise UnknownShare("There is no such share.") from None
            require_revision(revision, share.revision)
            return self._removed(caller, held, [share], None)

        await self.desk.commit(caller, decide)

    async def remove_from(self, caller: Caller, path: S3Path, targets: Sequence[Target]) -> list[Target]:
        """Take the shares of exactly this path with these targets back, in one step; return those that had one.

        Raises NotOwner, ScopeNotGranted, Conflict.
        """
        owner = owner_of(path, self.layout)
        ids = [share_id(path, target) for target in dict.fromkeys(targets)]

        async def decide() -> Decided[list[Target]]:
            held = await control(self.desk, caller, owner)
            require_in_scope(caller, path, Level.READ)
            _, hashes = await self.desk.look(caller, *(("HGETALL", keys.share(one)) for one in ids))
            found = [Share.read(one, stored) for one, stored in zip(ids, hashes, strict=True)]
            shares = [share for share in found if share is not None]
            return self._removed(caller, held, shares, [share.target for share in shares])

        return await self.desk.commit(caller, decide)

    async def make_public(self, caller: Caller, path: S3Path, level: Level = Level.READ) -> Share:
        """Share a path with everyone, for reading unless writing is asked for."""
        (share,) = await self.create(caller, Offer(path, (EVERYONE,), level))
        return share

    async def make_private(self, caller: Caller, path: S3Path) -> list[Target]:
        """Take all shares of exactly this path back; return whom it was shared with.

        Who reaches the path through a share of a folder above keeps that: see `Reach.of`.  Raises NotOwner,
        ScopeNotGranted, Conflict.
        """
        owner = owner_of(path, self.layout)
        at = keys.exactly_at(path.bucket, path.prefix)

        async def decide() -> Decided[list[Target]]:
            held = await control(self.desk, caller, owner)
            require_in_scope(caller, path, Level.READ)
            _, (found,) = await self.desk.look(caller, ("EACH", keys.SHARE, "ZRANGEBYLEX", keys.shares_by(owner), *at))
            shares = read_shares(found)
            return self._removed(caller, held, shares, [share.target for share in shares])

        return await self.desk.commit(caller, decide)

    def _removed(self, caller: Caller, held: Control, shares: list[Share], result: _Result) -> Decided[_Result]:
        change = Change()
        held.keep(change, caller)
        now = self.desk.clock()
        events = []
        for share in shares:
            piece = share_piece(share)
            piece.drop(change)
            events.append(caller.event(piece.kind, now, **piece.facts, as_admin=held.as_admin))
        return Decided(result, change if events else None, events)

    async def _require_list(self, change: Change, caller: Caller, owner: Target, revision: int | None) -> None:
        if revision is None or revision == ANY:
            return
        field = keys.given_by(owner)
        _, (found,) = await self.desk.look(caller, ("HGET", keys.REVISIONS, field))
        require_revision(revision, int(found or 0))
        change.require(keys.REVISIONS, field, found or False)


def _numbered(outcome: Outcome, revision: int | None) -> Outcome:
    """Give a share that was made its revision."""
    if revision is None or outcome.share is None or outcome.share.revision:
        return outcome
    return replace(outcome, share=replace(outcome.share, revision=revision))


def read_shares(found: list[tuple[str, dict[str, str]]]) -> list[Share]:
    """Read the shares behind members of `keys.shares_by`, or behind ids."""
    shares = (Share.read(member.rpartition("\t")[2], fields) for member, fields in found)
    return [share for share in shares if share is not None]
