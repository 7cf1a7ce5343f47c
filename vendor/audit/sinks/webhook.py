"""POST to a webhook: lines in the body, signed so that the receiver knows who sent it and when.

    X-Vendor-Timestamp: 1763704800
    X-Vendor-Signature: v1=<hex of HMAC-SHA-256 over "1763704800." and the body>
    X-Vendor-Checkpoints: 5-7

Any 2xx is an acknowledgement.  Redirects are not followed, proxies of the environment are not used, the answer is not
read, and time is limited.
"""

import hmac
from typing import Final

import aiohttp

from vendor.audit.sinks.sink import Batch, SinkFailed
from vendor.outgoing import open_session
from vendor.secret import Secret
from vendor.times import Clock

TIMEOUT: Final = aiohttp.ClientTimeout(total=20.0, connect=3.0)


class WebhookSink:
    """Sends to one URL."""

    name = "webhook"
    linger = 0.0

    def __init__(self, url: str, secret: Secret, clock: Clock) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, batch: Batch) -> None:
        """Send a batch.  Raises SinkFailed."""
        stamp = str(int(self._clock()))
        headers = {
            "content-type": "application/x-ndjson",
            "x-vendor-timestamp": stamp,
            "x-vendor-signature": signature(self._secret, stamp, batch.lines),
            "x-vendor-checkpoints": f"{batch.first.number}-{batch.last.number}",
        }
        try:
            async with self._open().post(self._url, data=batch.lines, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
            raise SinkFailed(f"it cannot be reached ({type(failure).__name__})") from None
        if not 200 <= status < 300:
            raise SinkFailed(f"it answered {status}")

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(2, timeout=TIMEOUT)
        return self._session


def signature(secret: Secret, stamp: str, body: bytes) -> str:
    """Return the value of the signature's header."""
    return "v1=" + hmac.digest(secret.reveal().encode(), stamp.encode() + b"." + body, "sha256").hex()
