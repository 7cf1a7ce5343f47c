"""Whom a path may be shared with: not its owner, nobody unknown, and nobody beyond the room there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vendor.errors import Conflict, InvalidRequest, NotSteward, UnknownTenant, UnknownUser, VendError
from vendor.governance import keys
from vendor.governance.change import Change
from vendor.governance.records import Share, Target, TargetKind, share_id
from vendor.names import S3Path
from vendor.policy.grant import Access, Level
from vendor.stewardship.caller import Caller
from vendor.stewardship.desk import Desk
from vendor.stewardship.ownership import Control

MOST_BY_ONE: Final = 10_000
MOST_WITH_ONE: Final = 10_000
MOST_WITH_EVERYONE: Final = 1_000
"""Limits on shares: each one counts whenever the rights of those it reaches are read."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target as read: whether it exists, how much is shared with it, and the share that is there already."""

    target: Target
    known: bool
    count: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whom a caller can share a path with, as read.  `memberships` are the caller's own."""

    caller: Caller
    control: Control
    level: Level
    by_owner: int
    memberships: dict[str, str]
    candidates: tuple[Candidate, ...]

    def refusal(self, candidate: Candidate) -> VendError | None:
        """Say why the path cannot be shared with a candidate; None if it can."""
        target = candidate.target
        if target in {self.control.owner, keys.home_of(self.caller.name)}:
            return InvalidRequest("with: a path is not shared with oneself, nor with its own owner.")
        if not candidate.known and target.kind is TargetKind.USER:
            return UnknownUser(f"There is no user {target.name}.", remedy="People become known at their first sign-in.")
        if not candidate.known:
            return UnknownTenant(f"There is no tenant {target.name}.")
        if self._raises_oneself(target):
            return NotSteward(
                "A steward cannot raise their own access.", remedy="Ask another steward or an administrator."
            )
        if candidate.share is None and (self.by_owner >= MOST_BY_ONE or candidate.count >= _most_with(target)):
            return Conflict(
                "There is no room for another share.",
                remedy="Take back shares that are not needed, or share a folder above several of them.",
                details={"by_one_owner": MOST_BY_ONE, "with_one_target": _most_with(target)},
            )
        return None

    def keep(self, change: Change, candidate: Candidate) -> None:
        """Let the change happen only while what spoke for the candidate still holds."""
        target = candidate.target
        if candidate.share is None:
            require_room(change, self.control.owner, target)
        if self.control.steward and not self.caller.admin:
            mine = keys.memberships(self.caller.name)
            for tenant in {self.control.owner.name, target.name if target.kind is TargetKind.TENANT else ""} - {""}:
                change.require(mine, tenant, self.memberships.get(tenant, False))

    def _raises_oneself(self, target: Target) -> bool:
        """Say whether the caller, as a steward, would reach more of the tenant's paths than as its member."""
        if self.caller.admin or not self.control.steward:
            return False
        if target.kind is TargetKind.EVERYONE:
            through = self.level
        elif target.name in self.memberships and target.kind is TargetKind.TENANT:
            through = Access(self.memberships[target.name]).level.at_most(self.level)
        else:
            return False
        own = self.memberships.get(self.control.owner.name)
        return own is None or not Access(own).level.covers(through)


async def read_facts(
    desk: Desk, caller: Caller, control: Control, path: S3Path, level: Level, targets: Sequence[Target]
) -> Facts:
    """Read everything about the targets in one step."""
    reads: list[tuple[str, ...]] = []
    for target in targets:
        reads += [
            ("HGET", str(target), "rev"),
            ("HLEN", keys.shares_with(target)),
            ("HGETALL", keys.share(share_id(path, target))),
        ]
    _, (by_owner, memberships, *each) = await desk.look(
        caller, ("ZCARD", keys.shares_by(control.owner)), ("HGETALL", keys.memberships(caller.name)), *reads
    )
    candidates = tuple(
        Candidate(
            target,
            known is not None or target.kind is TargetKind.EVERYONE,
            int(count),
            Share.read(share_id(path, target), stored),
        )
        for target, known, count, stored in zip(targets, each[::3], each[1::3], each[2::3], strict=True)
    )
    return Facts(caller, control, level, int(by_owner), memberships, candidates)


def require_room(change: Change, owner: Target, target: Target) -> None:
    """Let the change happen only while there is room for another share of this owner's with this target."""
    change.require_room("ZCARD", keys.shares_by(owner), MOST_BY_ONE)
    change.require_room("HLEN", keys.shares_with(target), _most_with(target))


def _most_with(target: Target) -> int:
    return MOST_WITH_EVERYONE if target.kind is TargetKind.EVERYONE else MOST_WITH_ONE
