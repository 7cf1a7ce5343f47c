"""Keep what is in the process's memory there: keys pass through it, and a dump of it would hold them."""

import contextlib
import ctypes
import resource
import sys
from typing import Final

import structlog

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
_log = structlog.get_logger(__name__)


def keep_memory_private() -> None:
    """Forbid core dumps, and on Linux that other processes of the same user read this one's memory or environment.

    Where the system does not let us, that is logged and no reason not to serve.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        _log.warning("core dumps not forbidden")
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
                return
        _log.warning("memory not closed to other processes")
