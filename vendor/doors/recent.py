"""Look once for all who ask at about the same time: what anybody may ask for must not cost more than they do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from vendor.times import Clock

SECONDS: Final = 1.0
_Seen = TypeVar("_Seen")


class Recent(Generic[_Seen]):
    """What `look` returned less than `SECONDS` ago; it never runs twice at a time.  It must not raise."""

    def __init__(self, look: Callable[[], Awaitable[_Seen]], monotonic: Clock = time.monotonic) -> None:
        self._look = look
        self._monotonic = monotonic
        self._looking: asyncio.Task[_Seen] | None = None
        self._seen: tuple[float, _Seen] | None = None

    async def get(self) -> _Seen:
        """Return what was seen lately, else what is seen now."""
        if self._seen is not None and self._monotonic() - self._seen[0] < SECONDS:
            return self._seen[1]
        if self._looking is None:
            self._looking = asyncio.create_task(self._watch())
        return await asyncio.shield(self._looking)

    async def _watch(self) -> _Seen:
        try:
            seen = await self._look()
            self._seen = self._monotonic(), seen
            return seen
        finally:
            self._looking = None
