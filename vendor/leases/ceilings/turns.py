"""One at a time per user, in this process and across all of them.

A turn that is not given back ends by itself; whoever needs it longer says so, and learns whether it is still theirs.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from vendor.database import Argument, Database
from vendor.errors import StateUnavailable
from vendor.leases.ceilings import scripts

SECONDS: Final = 20.0
PATIENCE: Final = 8.0
_FIRST_PAUSE: Final = 0.003
_LONGEST_PAUSE: Final = 0.05


@dataclass(slots=True)
class Turn:
    """A turn that somebody has.  `cooling` keeps it for that many seconds more once it is over."""

    database: Database
    key: str
    token: str
    cooling: float = 0.0

    async def extend(self) -> None:
        """Have it for another `SECONDS`.  Raises StateUnavailable if it was lost."""
        if not await self._again(SECONDS):
            raise StateUnavailable("What leases are limited by is being written elsewhere.")

    async def give_back(self) -> None:
        """Let the next one have it."""
        await self._again(self.cooling)

    async def _again(self, seconds: float) -> bool:
        arguments: list[Argument] = [self.token, int(seconds * 1000)]
        return bool(await self.database.run(scripts.TURN_AGAIN, [self.key], arguments, repeatable=True))


class Turns:
    """Whose turn it is.  Raises StateUnavailable for those who waited too long."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._here: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def take(self, name: str) -> AsyncIterator[Turn]:
        """Wait for the turn, and have it as long as the block lasts."""
        async with self._among_us(name):
            turn = await self._among_all(name)
            try:
                yield turn
            finally:
                await turn.give_back()

    async def taken(self, name: str) -> bool:
        """Say whether somebody has the turn, or had it and left it to cool."""
        return await self._database.get_text(self._key(name)) is not None

    async def _among_all(self, name: str) -> Turn:
        turn = Turn(self._database, self._key(name), secrets.token_hex(16))
        deadline, pause = time.monotonic() + PATIENCE, _FIRST_PAUSE
        while True:
            arguments: list[Argument] = [turn.token, int(SECONDS * 1000)]
            if await self._database.run(scripts.TURN, [turn.key], arguments, repeatable=True):
                return turn
            if time.monotonic() > deadline:
                raise StateUnavailable("What leases are limited by is being written elsewhere.")
            await asyncio.sleep(random.uniform(_FIRST_PAUSE, pause))  # noqa: S311 - spreads rivals
            pause = min(2 * pause, _LONGEST_PAUSE)

    @asynccontextmanager
    async def _among_us(self, name: str) -> AsyncIterator[None]:
        lock, users = self._here.get(name, (asyncio.Lock(), 0))
        self._here[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._here[name]
            if users == 1:
                del self._here[name]
            else:
                self._here[name] = (lock, users - 1)

    def _key(self, name: str) -> str:
        return f"{self._prefix}:ceiling-turn:{name}"
