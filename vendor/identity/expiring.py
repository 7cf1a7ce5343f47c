"""A bounded table in which every entry has its own end."""

import time
from collections import OrderedDict
from typing import Generic, TypeVar

from vendor.times import Clock

V = TypeVar("V")


class Expiring(Generic[V]):
    """Keeps up to `size` values, each for its own number of seconds; the longest unused one makes room."""

    def __init__(self, size: int, monotonic: Clock = time.monotonic) -> None:
        self._size = size
        self._monotonic = monotonic
        self._entries: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def get(self, key: bytes) -> V | None:
        """Return the value of `key` unless its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        ends, value = entry
        if self._monotonic() >= ends:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: V, seconds: float) -> None:
        """Keep `value` for `seconds`; not at all if that is nothing."""
        self._entries.pop(key, None)
        if seconds <= 0:
            return
        self._entries[key] = (self._monotonic() + seconds, value)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
