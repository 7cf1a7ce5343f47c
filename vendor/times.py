"""Time as the project passes it around: seconds since the epoch, from a clock that is handed in."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Returns the present as seconds since the epoch.  Production passes `time.time`; tests pass their own."""


def rfc3339(moment: float) -> str:
    """Render seconds since the epoch as RFC 3339 in UTC, whole seconds (rounded down): `2026-11-21T06:00:00Z`."""
    return datetime.fromtimestamp(math.floor(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> float:
    """Parse an RFC 3339 time that carries an offset.

    Raises ValueError for anything else, a time without an offset included: guessing a zone would move an expiry.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return moment.timestamp()
