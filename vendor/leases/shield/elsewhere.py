"""One flight's dealings with the other replicas: whose turn it is, and what they have made already.

Only asks that came with a token take part, because only that token opens what one replica leaves for another.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

import structlog

from vendor.errors import StateUnavailable
from vendor.governance.state import Standing
from vendor.leases.lease import LeaseAsk
from vendor.leases.making import Making
from vendor.leases.sealed import seal, unseal
from vendor.leases.shield.adopting import adopt
from vendor.leases.shield.gate import Answer, Says, Turn, new_turn
from vendor.leases.shield.identical import identity_mark, name_for
from vendor.leases.shield.limits import Limits
from vendor.leases.shield.live import Live, Packed
from vendor.secret import Proof
from vendor.stewardship.caller import Caller
from vendor.times import Clock

PATIENCE: Final = 3.0  # seconds to wait for another replica; then one goes on by oneself
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.2

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Elsewhere:
    """The other replicas, as one flight sees them."""

    limits: Limits
    making: Making
    caller: Caller
    ask: LeaseAsk
    mark: bytes
    monotonic: Clock = time.monotonic
    _turn: Turn | None = field(default=None)
    _held: bool = False

    async def look(self, reading: Awaitable[Standing]) -> Live | None:
        """Return keys that another replica made for the same ask, or None when it is this one's turn to make them.

        The caller's allowance is used up only by the latter.  Raises TooManyRequests, StateUnavailable.
        """
        proof = self.caller.principal.proof
        if proof is None:
            await self.limits.enter(self.caller)
            return None
        self._turn = new_turn(name_for(proof, self.mark))
        deadline, pause, useless = self.monotonic() + PATIENCE, FIRST_PAUSE, ""
        while True:
            answer = await self.limits.enter(self.caller, turn=self._turn, useless=useless)
            if answer.says is Says.GO:
                self._held = True
                return None
            if answer.says is Says.SEALED:
                live = await self._open(proof, answer, reading)
                if live is not None:
                    return live
                useless = answer.sealed
            elif self.monotonic() >= deadline:
                await self.limits.enter(self.caller)
                return None
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def leave(self, live: Live | None) -> None:
        """Give the turn back and leave what was made for the others; if that fails, it costs them no more than time."""
        proof, turn = self.caller.principal.proof, self._turn
        if proof is None or turn is None or not self._held:
            return
        sealed, seconds = "", 0.0
        if live is not None:
            sealed = seal(proof, turn.name, Packed.of(live).text())
            seconds = min(live.serves_until, self.caller.principal.expires_at) - self.making.clock()
        try:
            who = identity_mark(self.caller.principal).hex()
            await self.limits.gate.leave(who, turn, sealed, int(seconds * 1000))
        except StateUnavailable:
            _log.warning("turn not given back")

    async def _open(self, proof: Proof, answer: Answer, reading: Awaitable[Standing]) -> Live | None:
        assert self._turn is not None  # noqa: S101 - only asked with one
        text = unseal(proof, self._turn.name, answer.sealed)
        if text is None:
            return None
        standing = await asyncio.shield(asyncio.ensure_future(reading))
        return adopt(Packed.parse(text), self.caller.principal, self.ask, standing, self.making, self.monotonic())
