"""Collect garbage without holding everybody up.

A full collection looks at everything there is, and nobody is answered in the meantime.  Most of it is what a gateway
consists of, some 200,000 objects that stay for good: looked through once and then set aside, they cost no more time.
What requests leave behind goes by itself, but for a few cycles; so it is looked for less often than Python would.
"""

import gc
from typing import Final

THRESHOLDS: Final = (5_000, 10, 100)
"""Objects more than before until the youngest are looked through, and how many such looks until the older ones are."""


def set_aside() -> None:
    """Take everything there is now for permanent.  To be called once the gateway is built, before it serves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
