"""One replica at a time looks after the log: seals it, indexes it, delivers it to sinks, trims it.

Who it is, is a key in Redis that its holder keeps alive.  The key only spares work: every step is made so that a second
replica that does the same at the same time does no harm.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from vendor.audit.log import AuditLog
from vendor.database import Script
from vendor.errors import StateUnavailable
from vendor.tasks import alongside, give_up

KEPT_MS: Final = 10_000
ASK_EVERY: Final = 2.0
PAUSE: Final = 1.0
_log = structlog.get_logger(__name__)

# KEYS: leader.  ARGV: token, milliseconds.  Returns 1 for the one who has it.
_LEAD: Final = Script("""
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

# KEYS: leader.  ARGV: token.
_LEAVE: Final = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

Duty = Callable[[], Awaitable[bool]]
"""One step of something the leader does; False when there is nothing to do at present."""


class Leadership:
    """Takes the lead when nobody has it, and does the duties while it lasts."""

    def __init__(self, log: AuditLog, duties: Sequence[tuple[str, Duty]]) -> None:
        self._log = log
        self._duties = duties
        self._token = secrets.token_hex(8)
        self._kept_until = 0.0
        self.leads = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the log in the background as long as the block lasts."""
        try:
            async with alongside(self._run(), "lead of the audit log"):
                yield
        finally:
            await self._leave()

    async def _run(self) -> None:
        while True:
            if await self._lead():
                await self._work()
            await asyncio.sleep(ASK_EVERY)

    async def _work(self) -> None:
        """Do the duties side by side until somebody else has the lead."""
        self.leads = True
        tasks = [asyncio.create_task(self._repeat(name, duty), name=name) for name, duty in self._duties]
        try:
            while await self._lead():  # noqa: ASYNC110 - the lead is asked for anew each time
                await asyncio.sleep(ASK_EVERY)
        finally:
            self.leads = False
            await give_up(tasks)

    async def _lead(self) -> bool:
        """Ask for the lead, or keep it.  While Redis is away it is kept for as long as the key would have lived."""
        asked = time.monotonic()
        try:
            leads = bool(await self._log.run(_LEAD, ["leader"], [self._token, KEPT_MS], repeatable=True))
        except StateUnavailable:
            return asked < self._kept_until
        self._kept_until = asked + KEPT_MS / 1000 if leads else 0.0
        return leads

    async def _leave(self) -> None:
        try:
            await self._log.run(_LEAVE, ["leader"], [self._token], repeatable=True)
        except StateUnavailable:
            return  # it runs out by itself

    async def _repeat(self, name: str, duty: Duty) -> None:
        while True:
            try:
                if await duty():
                    continue
            except StateUnavailable:
                pass  # shows in readiness by itself
            except Exception:  # noqa: BLE001 - a duty that ends is worse than one that stumbles
                _log.exception("audit duty stumbled", duty=name)
            await asyncio.sleep(PAUSE)
