"""How often one identity may ask at one door, on all replicas together.

A caller who was told to wait is told so again from memory, without a question to Redis, so a flood of refused asks
costs next to nothing.  Of such refusals one a minute is recorded, with how many there were.
"""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NoReturn

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import TooManyRequests
from vendor.leases.shield.gate import Answer, Gate, Rate, Says, Turn
from vendor.leases.shield.identical import identity_mark
from vendor.stewardship.caller import Caller
from vendor.times import Clock

REMEMBERED: Final = 10_000
TOLD_EVERY: Final = 60.0  # seconds between two events about the same bucket


@dataclass(slots=True)
class _Refused:
    until: float
    told_at: float = -math.inf
    since_told: int = 0


@dataclass(slots=True)
class Limits:
    """The limits of one gateway: `vend` for asks for keys, `share` for shares, per person or tenant named."""

    gate: Gate
    trail: Trail
    clock: Clock
    vend: Rate
    share: Rate
    monotonic: Clock = time.monotonic
    refused: int = 0
    _refusals: OrderedDict[str, _Refused] = field(default_factory=OrderedDict)

    async def recall(self, caller: Caller) -> None:
        """Raise TooManyRequests for a caller who was told to wait, and has not: nothing else is done for them."""
        await self._recall(caller, f"vend:{caller.origin.door}")

    async def enter(self, caller: Caller, *, turn: Turn | None = None, useless: str = "") -> Answer:
        """Pass the gate for an ask for keys at the caller's door.  Raises TooManyRequests, StateUnavailable."""
        return await self._pass(caller, f"vend:{caller.origin.door}", self.vend, turn, useless, 1)

    async def renewal(self, caller: Caller) -> None:
        """Take part of the allowance for renewals, which is as large and apart.  Raises as `enter` does."""
        await self._pass(caller, f"renew:{caller.origin.door}", self.vend, None, "", 1)

    async def sharing(self, caller: Caller, targets: int) -> None:
        """Take part of the caller's allowance for naming others.  Raises TooManyRequests, StateUnavailable.

        Whether somebody exists shows in whether something can be shared with them, so this also bounds how many names
        one identity can try.
        """
        await self._pass(caller, "share", self.share, None, "", max(1, min(targets, self.share.burst)))

    async def _pass(
        self, caller: Caller, bucket: str, rate: Rate, turn: Turn | None, useless: str, cost: int
    ) -> Answer:
        if turn is None and rate.burst == 0:
            return Answer(Says.GO)
        await self._recall(caller, bucket)
        who = identity_mark(caller.principal).hex()
        answer = await self.gate.enter(who, bucket, rate, turn=turn, useless=useless, cost=cost)
        if answer.says is Says.LIMITED:
            # The whole second that the caller is told, or a flood asks Redis again whenever one more ask fits.  What
            # comes free meanwhile is not lost to them, unless the bucket is smaller than that.
            wait = max(answer.wait_ms / 1000, min(1.0, rate.burst / rate.per_second))
            await self._refuse(caller, bucket, self._remember(f"{who}:{bucket}", wait))
        return answer

    async def _recall(self, caller: Caller, bucket: str) -> None:
        refusal = self._refusals.get(f"{identity_mark(caller.principal).hex()}:{bucket}")
        if refusal is not None and self.monotonic() < refusal.until:
            await self._refuse(caller, bucket, refusal)

    async def _refuse(self, caller: Caller, bucket: str, refusal: _Refused) -> NoReturn:
        self.refused += 1
        refusal.since_told += 1
        await self._tell(caller, bucket, refusal)
        wait = max(1, math.ceil(refusal.until - self.monotonic()))
        raise TooManyRequests("You ask more often than this gateway answers one identity.", retry_after=wait)

    def _remember(self, key: str, seconds: float) -> _Refused:
        refusal = self._refusals.setdefault(key, _Refused(0.0))
        refusal.until = self.monotonic() + seconds
        self._refusals.move_to_end(key)
        if len(self._refusals) > REMEMBERED:
            self._refusals.popitem(last=False)
        return refusal

    async def _tell(self, caller: Caller, bucket: str, refusal: _Refused) -> None:
        now = self.monotonic()
        if now - refusal.told_at < TOLD_EVERY:
            return
        refusal.told_at, count, refusal.since_told = now, refusal.since_told, 0
        event = caller.event(Kind.VEND_DENIED, self.clock(), limit=bucket, refusals=count)
        event.refuse(Kind.VEND_DENIED, TooManyRequests.code)
        await asyncio.shield(self.trail.write_refusal(event))
