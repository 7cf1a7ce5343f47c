"""Rotating files of lines in a folder of the gateway's machine.

A file is named for the first checkpoint in it, so the order of the names is the order of the log.  What is delivered is
on disk before it counts as taken.  A run that a crash left half written is cut away before anything follows it.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vendor.audit.sinks.sink import Batch, SinkFailed
from vendor.sealed.records import CHECKPOINT

_BLOCK: Final = 64 * 1024
_MODE: Final = 0o640


class FileSink:
    """Appends to the newest file, and begins a new one when that has grown to `most_bytes`.  Never deletes one."""

    name = "file"
    linger = 0.0

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        self._left_at: tuple[Path, int] | None = None

    async def deliver(self, batch: Batch) -> None:
        """Write a batch and wait until it is on disk.  Raises SinkFailed."""
        try:
            await asyncio.to_thread(self._write, batch)
        except OSError as problem:
            self._left_at = None
            raise SinkFailed(f"the folder cannot be written: {problem.strerror}") from None

    async def close(self) -> None:
        """Nothing stays open."""

    def _write(self, batch: Batch) -> None:
        with self._locked():
            file = self._newest()
            if file is not None and self._left_at != (file, file.stat().st_size):
                _cut_back(file)
            fresh = file is None or file.stat().st_size >= self._most
            if file is None or fresh:
                file = self._folder / f"audit-{batch.first.number:012}.ndjson"
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
            try:
                left = memoryview(batch.lines)
                while left:
                    left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
                self._left_at = file, os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if fresh:
                self._sync_folder()

    def _newest(self) -> Path | None:
        return max(self._folder.glob("audit-*.ndjson"), default=None)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others out: a replica that only believes to have the lead may write at the same time."""
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _cut_back(file: Path) -> None:
    """Cut off what comes after the last whole checkpoint: a batch that was never taken."""
    with file.open("r+b") as stream:
        stream.truncate(_sound_size(stream.fileno(), file.stat().st_size))
        stream.flush()
        os.fsync(stream.fileno())


def _sound_size(descriptor: int, size: int) -> int:
    """Return where the last whole line that is a checkpoint ends; 0 where there is none."""
    end, tail = size, b""
    while end > 0:
        begin = max(0, end - _BLOCK)
        tail = os.pread(descriptor, end - begin, begin) + tail
        end = begin
        lines = tail.splitlines(keepends=True)
        first = 0 if begin == 0 else 1  # the first may begin before
        for at in range(len(lines) - 1, first - 1, -1):
            if CHECKPOINT.fullmatch(lines[at]):
                return begin + sum(len(line) for line in lines[: at + 1])
    return 0
