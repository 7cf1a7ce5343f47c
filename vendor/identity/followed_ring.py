"""A ring of keys that is read again when its file is replaced, so that a rotation needs no restart.

The folder is looked at once a second at most.  One that turns unreadable leaves the last good keys in use, and the next
look tries again.
"""

from pathlib import Path
from typing import Final

import structlog

from vendor.identity.keyring import FILE_NAME, Keyring, KeyringError, read_keyring
from vendor.times import Clock

_LOOK_EVERY_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)


class FollowedRing:
    """The ring in force.  Without a folder it stays as it is."""

    def __init__(self, ring: Keyring, folder: Path | None, monotonic: Clock, *, complaint: str) -> None:
        """`complaint` is what the log calls keys that cannot be read."""
        self._ring = ring
        self._folder = folder
        self._monotonic = monotonic
        self._complaint = complaint
        self._seen = _stamp(folder)
        self._looked = monotonic()

    def current(self) -> Keyring:
        """Return the ring as it is now."""
        if self._folder is not None and self._monotonic() - self._looked >= _LOOK_EVERY_SECONDS:
            self._looked = self._monotonic()
            stamp = _stamp(self._folder)
            if stamp != self._seen:
                try:
                    self._ring, self._seen = read_keyring(self._folder), stamp
                except KeyringError as problem:  # being replaced, or damaged: the keys in memory are still good
                    _log.warning(self._complaint, problem=str(problem))
        return self._ring


def _stamp(folder: Path | None) -> tuple[int, int, int] | None:
    """Return what changes when the ring's file is replaced."""
    if folder is None:
        return None
    try:
        status = (folder / FILE_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
