"""Lines on standard output, for whoever collects what a container says.  Logs go to standard error."""

import asyncio
import sys

from vendor.audit.sinks.sink import Batch, SinkFailed


class StdoutSink:
    """Writes every line, and waits until it is taken."""

    name = "stdout"
    linger = 0.0

    async def deliver(self, batch: Batch) -> None:
        """Write a batch.  Raises SinkFailed."""
        try:
            await asyncio.to_thread(_write, batch.lines)
        except (OSError, ValueError):
            raise SinkFailed("standard output is closed") from None

    async def close(self) -> None:
        """Nothing of its own is open."""


def _write(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()
