"""Answer those who come back for the keys of their lease: with the live ones while they do, else with fresh ones.

A repeated ask costs one look at Redis and no call to the store.  The look comes first and always: a lease that was
ended gives no keys from that moment on, and when governance has changed what its holder may do, other keys are made.
So what is given again is never wider than what a renewal would give.  When a renewal is due and does not come about,
or takes longer than SDKs wait, the keys at hand are given while they are good.
"""

import asyncio
import contextlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from vendor.audit.event import Origin
from vendor.database import Database
from vendor.errors import LeaseEnded, RoleRequired, StateUnavailable, VendError
from vendor.leases.glance import Glance, Glances
from vendor.leases.lease import LeaseId
from vendor.leases.live import Live, sdk_duration
from vendor.leases.register import Kept
from vendor.leases.renewing import Renewing
from vendor.leases.token import parse_token, token_hash
from vendor.secret import LeaseToken, RawToken
from vendor.stewardship.caller import Caller

MOST: Final = 4096  # leases whose keys are remembered at a time; some 5 KiB each
PATIENCE: Final = 1.2  # seconds; boto3 waits two for an answer, and asks three times
TURN_SECONDS: Final = 12  # longer than a call to a store lasts
REST: Final = 1.0  # seconds between renewals of one lease that fail
_LOOK_AGAIN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Remembered:
    """Live keys in memory, with the lease as it was opened and the hash of its token."""

    live: Live
    kept: Kept
    token: str
    rests_until: float = 0.0  # on the monotonic clock: a renewal that failed is not tried again before

    def opened_by(self, token: LeaseToken) -> bool:
        """Say whether `token` is the one of this lease; in constant time."""
        return hmac.compare_digest(token_hash(token), self.token)


class Repeating:
    """The use case.  `revision` is the name of governance's counter of changes."""

    def __init__(self, renewing: Renewing, database: Database, prefix: str, revision: str) -> None:
        self._renewing = renewing
        self._database = database
        self._prefix = prefix
        self._glances = Glances(database, prefix, revision)
        self._memory: OrderedDict[LeaseId, Remembered] = OrderedDict()
        self._flights: dict[LeaseId, asyncio.Task[Live]] = {}

    async def current(self, token: RawToken, origin: Origin) -> Live:
        """Return keys of the lease that a token belongs to, with some life in them.

        Raises what `Renewing.renew` raises.
        """
        lease, lease_token = parse_token(token)
        found = self._remembered(lease, lease_token)
        if found is not None:
            glance = await self._glances.look(lease)
            if self._serves(found, glance):
                return found.live
        kept = await self._renewing.open(token)
        at_hand = await self._newest(found, lease, lease_token)
        rests_until = found.rests_until if found is not None else 0.0
        if at_hand is not None and (at_hand := await self._still_true(at_hand, kept)) is not None:
            self._remember(Remembered(at_hand, kept, token_hash(lease_token), rests_until))
            if at_hand.is_fresh(sdk_duration(kept.ask.duration), self._now()) or time.monotonic() < rests_until:
                return at_hand
        return await self._renewed(kept, token, origin, at_hand)

    async def _newest(self, found: Remembered | None, lease: LeaseId, token: LeaseToken) -> Live | None:
        """Return the newest keys that are kept, here or in Redis."""
        sealed = await self._renewing.register.sealed.get(lease, token)
        if found is None or (sealed is not None and sealed.issued_at > found.live.issued_at):
            return sealed
        return found.live

    def _serves(self, found: Remembered, glance: Glance) -> bool:
        same = glance.live and glance.revision == found.live.revision
        return same and found.live.is_fresh(sdk_duration(found.kept.ask.duration), self._now())

    async def _still_true(self, live: Live, kept: Kept) -> Live | None:
        """Return live keys if the holder may still do what they were made for, with the revision that says so."""
        holder = self._renewing.holder(kept)
        if holder != kept.holder:  # the trust file was changed: other keys, if any
            return None
        try:
            await self._renewing.require_actor(kept)
        except (LeaseEnded, RoleRequired):  # the renewal that is tried now says so, and it is recorded
            return None
        standing = await self._renewing.users.standing_if_known(Caller(holder, _NOBODY))
        if standing.digest != live.digest or not live.is_good(self._now()):
            return None
        return replace(live, revision=standing.revision)

    async def _renewed(self, kept: Kept, token: RawToken, origin: Origin, at_hand: Live | None) -> Live:
        if at_hand is not None and not self._renewing.has_time_left(kept.ask.store, kept.renewable_until):
            return at_hand
        task = self._flights.get(kept.id)
        if task is None:
            task = self._flights[kept.id] = asyncio.create_task(self._renew(kept, token, origin, at_hand))
            task.add_done_callback(lambda done: self._landed(kept.id, done))
        try:
            # Whoever has good keys need not wait for others longer than their client waits for us.
            async with asyncio.timeout(PATIENCE if at_hand is not None else None):
                return await asyncio.shield(task)
        except TimeoutError:
            assert at_hand is not None  # noqa: S101 - nobody else has a limit
            return at_hand
        except VendError as problem:
            if at_hand is None or not (problem.status >= 500 or problem.status == 429):
                raise
            self._rest(kept.id)
            return at_hand

    async def _renew(self, kept: Kept, token: RawToken, origin: Origin, at_hand: Live | None) -> Live:
        """Make fresh keys, or wait for those that another replica is making."""
        _, lease_token = parse_token(token)
        turn = f"{self._prefix}:renewing:{kept.id}"
        if not await self._database.acquire(turn, TURN_SECONDS):
            made = await self._made_elsewhere(kept, lease_token, at_hand)
            if made is not None:
                return made
        try:
            ask = replace(kept.ask, duration=sdk_duration(kept.ask.duration))
            issued = await self._renewing.renew_opened(kept, ask, origin)
            live = Live.of(issued, ask)
            self._remember(Remembered(live, kept, token_hash(lease_token)))
            await self._renewing.seal(issued, ask, token)
            return live
        finally:
            with contextlib.suppress(StateUnavailable):
                await self._database.delete(turn)

    async def _made_elsewhere(self, kept: Kept, token: LeaseToken, at_hand: Live | None) -> Live | None:
        """Wait for a while for keys that are newer than those at hand; None if none come."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_AGAIN)
            found = await self._renewing.register.sealed.get(kept.id, token)
            if found is not None and (at_hand is None or found.issued_at > at_hand.issued_at):
                found = await self._still_true(found, await self._reopened(kept))
                if found is not None:
                    self._remember(Remembered(found, kept, token_hash(token)))
                    return found
        return at_hand

    async def _reopened(self, kept: Kept) -> Kept:
        again = await self._renewing.register.get(kept.id)
        if again is None or again.ended is not None:
            raise LeaseEnded("This lease was ended.")
        return again

    def _remembered(self, lease: LeaseId, token: LeaseToken) -> Remembered | None:
        found = self._memory.get(lease)
        if found is None or not found.opened_by(token):
            return None
        self._memory.move_to_end(lease)
        return found

    def _remember(self, one: Remembered) -> None:
        self._memory[one.live.lease] = one
        self._memory.move_to_end(one.live.lease)
        if len(self._memory) > MOST:
            self._memory.popitem(last=False)

    def _rest(self, lease: LeaseId) -> None:
        found = self._memory.get(lease)
        if found is not None:
            self._memory[lease] = replace(found, rests_until=time.monotonic() + REST)

    def _landed(self, lease: LeaseId, task: asyncio.Task[Live]) -> None:
        del self._flights[lease]
        if not task.cancelled():
            task.exception()  # seen, also if everybody who waited is gone

    def _now(self) -> float:
        return self._renewing.making.clock()


_NOBODY: Final = Origin(request_id="", door="")
"""Reading the standing of a holder records nothing, so nobody is told where it came from."""
