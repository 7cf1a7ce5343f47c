"""Vend, for whoever asks however often: the way to keys that every door takes.

Identical asks of one identity that come together make one lease, here and on other replicas; one that comes later is
answered with the same live lease while at least half of its life is left.  Such an answer is never staler than a new
one: the lease is looked up, and the event is written only while everything that was read of the holder still holds.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Final

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import TooManyRequests, VendError
from vendor.leases import facts
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.making import Making
from vendor.leases.register import Register
from vendor.leases.shield.elsewhere import Elsewhere
from vendor.leases.shield.flights import Flights
from vendor.leases.shield.identical import ask_mark, may_share
from vendor.leases.shield.limits import Limits
from vendor.leases.shield.live import Live, Memory
from vendor.leases.vending import Vending
from vendor.stewardship.caller import Caller
from vendor.stewardship.users import Users
from vendor.times import Clock

TRIES: Final = 3
MOST_LIVE: Final = 4096  # leases whose keys are remembered at a time; some 5 KiB each


@dataclass(slots=True)
class Counters:
    """What came of asks, since the start.  `joined` ones waited for somebody's identical ask."""

    vended: int = 0
    joined: int = 0
    reused: int = 0
    adopted: int = 0


@dataclass(frozen=True, slots=True)
class Landed:
    """What a flight came to: keys, and whether they were made by it, so that its caller is on record for them."""

    live: Live
    made: bool


@dataclass(slots=True)
class Shield:
    """The use case.  `memory` is this process's, `elsewhere` what replicas share."""

    vending: Vending
    limits: Limits
    memory: Memory
    monotonic: Clock = time.monotonic
    counters: Counters = field(default_factory=Counters)
    _flights: Flights[Landed] = field(default_factory=Flights)

    @property
    def making(self) -> Making:
        """How keys are made."""
        return self.vending.making

    @property
    def renewable_most(self) -> int:
        """The longest that a lease can be renewed for, in seconds."""
        return self.vending.renewable_most

    @property
    def users(self) -> Users:
        """Who is known."""
        return self.vending.users

    @property
    def trail(self) -> Trail:
        """Where events go."""
        return self.vending.trail

    @property
    def register(self) -> Register:
        """Where leases are kept."""
        return self.vending.register

    @property
    def in_flight(self) -> int:
        """How many different asks are being answered now."""
        return len(self._flights)

    async def close(self) -> None:
        """Wait for what is under way, and forget all keys."""
        await self._flights.landed()
        self.memory.clear()

    async def vend(self, caller: Caller, ask: LeaseAsk) -> Issued:
        """Answer an ask with a new lease, or with the live one of an identical ask.

        Raises what `Vending.vend` raises, and TooManyRequests.
        """
        if not may_share(caller.principal, ask) or ask.store not in self.making.stores:
            return await self._alone(caller, ask)
        mark = ask_mark(caller.principal, ask, self.making.store(ask.store).settings)
        for _ in range(TRIES):
            live = self.memory.get(mark)
            if live is not None:
                if await self._give_again(live, caller, ask):
                    self.counters.reused += 1
                    return replace(live.issued, given_again=True)
                self.memory.drop(mark, live)
            landed, leads = await self._fly(mark, caller, ask)
            if leads and landed.made:
                return landed.live.issued
            if await self._give_again(landed.live, caller, ask):
                return replace(landed.live.issued, given_again=True)
            self.memory.drop(mark, landed.live)
        return await self._alone(caller, ask)

    async def _alone(self, caller: Caller, ask: LeaseAsk) -> Issued:
        """Vend a lease that is nobody else's; what is granted is read while the gate is asked."""
        await self.limits.recall(caller)
        begun = self.vending.begin(caller, ask)
        try:
            await self.limits.enter(caller)
            self.counters.vended += 1
            return await self.vending.vend(caller, ask, begun)
        except BaseException:
            await begun.give_up()
            raise

    async def _fly(self, mark: bytes, caller: Caller, ask: LeaseAsk) -> tuple[Landed, bool]:
        flight = self._flights
        joins = flight.has(mark)
        self.counters.joined += joins
        try:
            return await flight.join(mark, lambda: self._flight(mark, caller, ask))
        except VendError as refusal:
            if joins and not isinstance(refusal, TooManyRequests):
                await self._deny(caller, ask, refusal)
            raise refusal.with_traceback(None) from None

    async def _flight(self, mark: bytes, caller: Caller, ask: LeaseAsk) -> Landed:
        await self.limits.recall(caller)
        begun = self.vending.begin(caller, ask)
        elsewhere = Elsewhere(self.limits, self.making, caller, ask, mark, self.monotonic)
        try:
            live = await elsewhere.look(begun.standing)
            if live is not None:
                self.counters.adopted += 1
                self.memory.put(mark, live)
                self._flights.afterwards(begun.give_up())
                return Landed(live, made=False)
            self.counters.vended += 1
            issued = await self.vending.vend(caller, ask, begun)
            live = self._live(issued)
            self.memory.put(mark, live)
            self._flights.afterwards(elsewhere.leave(live))
        except BaseException:
            self._flights.afterwards(elsewhere.leave(None))
            await begun.give_up()
            raise
        return Landed(live, made=True)

    def _live(self, issued: Issued) -> Live:
        assert issued.standing is not None  # noqa: S101 - what has just been made says what it rests on
        return Live.of(issued, issued.standing, self.making.clock(), self.monotonic())

    async def _give_again(self, live: Live, caller: Caller, ask: LeaseAsk) -> bool:
        """Record that keys are given again; False if they must not be, because the lease or what it rests on ended.

        Raises StateUnavailable: nothing was recorded, or it is not known, so nothing is given.
        """
        lease = live.issued.lease
        if not live.serves(self.making.clock(), self.monotonic()) or not await self.register.is_live(lease.id):
            return False
        if not await self._store_admits(lease.store):
            return False
        given = facts.given(live.issued, live.standing)
        event = caller.event(Kind.VEND_REUSED, self.making.clock(), **facts.asked(ask), **given)
        given_again = await self.making.governance.record(live.standing, event.text()) is None
        if given_again:
            self.making.tally.add(caller.origin.door, "reused", lease.store)
        return given_again

    async def _store_admits(self, name: str) -> bool:
        admit = self.making.store(name).admit
        try:
            if admit is not None:
                await admit()
        except VendError:
            return False
        return True

    async def _deny(self, caller: Caller, ask: LeaseAsk, refusal: VendError) -> None:
        event = caller.event(Kind.VEND_DENIED, self.making.clock(), **facts.asked(ask))
        event.refuse(Kind.VEND_DENIED, refusal.code, failed=refusal.status >= 500)
        self.making.refused(event, refusal, ask.store)
        await self.trail.write_refusal(event)
