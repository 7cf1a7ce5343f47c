"""Time as the project passes it around: seconds since the epoch, from a clock that is handed in."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FIRST, _END = -62_135_596_800, 253_402_300_800  # the years that a date can be rendered in

Clock = Callable[[], float]
"""Returns the present as seconds since the epoch.  Production passes `time.time`; tests pass their own."""


def rfc3339(moment: float) -> str:
    """Render seconds since the epoch as RFC 3339 in UTC, whole seconds (rounded down): `2026-11-21T06:00:00Z`."""
    return _rendered(math.floor(moment))


@lru_cache(maxsize=1024)  # a lease tells its few moments again and again, and so do those made in the same second
def _rendered(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> float:
    """Parse an RFC 3339 time that carries an offset.

    Raises ValueError for anything else, a time without an offset included: guessing a zone would move an expiry.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not of the form of RFC 3339, or without an offset")
    moment = datetime.fromisoformat(text).timestamp()
    if not _FIRST <= moment < _END:
        raise ValueError("its offset takes it out of the years 1 to 9999")
    return moment
