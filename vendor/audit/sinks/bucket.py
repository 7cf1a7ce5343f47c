"""Objects in an S3 bucket, by the day of their first event, and locked where the bucket can do that.

    <prefix>2026/11/21/000000000005-000000000007.ndjson

The numbers are those of the first and the last checkpoint inside.  An object that is written again holds the same.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from vendor.audit.index import day_of
from vendor.audit.sinks.sink import Batch, SinkFailed
from vendor.errors import VendError
from vendor.times import Clock, rfc3339

LINGER: Final = 60.0
Put = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]
"""Writes one object, given its key, its content and more headers, and returns the HTTP status; raises VendError."""


class BucketSink:
    """Writes an object for every batch, of a minute or 1,000 events.  With `lock_days` it cannot be removed before."""

    name = "s3"
    linger = LINGER

    def __init__(
        self, put: Put, close: Callable[[], Awaitable[None]], prefix: str, lock_days: int | None, clock: Clock
    ) -> None:
        self._put = put
        self._close = close
        self._prefix = prefix
        self._lock_days = lock_days
        self._clock = clock

    async def deliver(self, batch: Batch) -> None:
        """Write a batch.  Raises SinkFailed."""
        headers = {
            "content-type": "application/x-ndjson",
            "content-md5": base64.b64encode(hashlib.md5(batch.lines, usedforsecurity=False).digest()).decode(),
        }
        if self._lock_days is not None:
            headers["x-amz-object-lock-mode"] = "COMPLIANCE"
            until = rfc3339(self._clock() + self._lock_days * 86_400)
            headers["x-amz-object-lock-retain-until-date"] = until
        try:
            status = await self._put(self.key(batch), batch.lines, headers)
        except VendError as failure:
            raise SinkFailed(failure.message) from None
        if not 200 <= status < 300:
            raise SinkFailed(f"the bucket answered {status}")

    def key(self, batch: Batch) -> str:
        """Return the name of a batch's object."""
        day = day_of(batch.first.first).replace("-", "/")
        return f"{self._prefix}{day}/{batch.first.number:012}-{batch.last.number:012}.ndjson"

    async def close(self) -> None:
        """Close all connections."""
        await self._close()
