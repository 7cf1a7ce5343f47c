"""How often something may be done, whoever asks: in one process, or in all replicas together."""

import time
from typing import Protocol

from vendor.times import Clock


class Cooldown(Protocol):
    """A shared brake.  An implementation over a database may raise: the caller then brakes by itself."""

    async def try_acquire(self, name: str, seconds: int) -> bool:
        """Return True to at most one caller for `name` within `seconds`."""
        ...


class LocalCooldown:
    """The brake for one process."""

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self._monotonic = monotonic
        self._free_at: dict[str, float] = {}

    async def try_acquire(self, name: str, seconds: int) -> bool:
        """Return True to at most one caller for `name` within `seconds`."""
        now = self._monotonic()
        if now < self._free_at.get(name, now):
            return False
        self._free_at[name] = now + seconds
        return True
