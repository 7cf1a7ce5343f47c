"""The keys with which the gateway keeps policies in a store: issued to itself, short-lived, and only in memory.

An administrator installs one policy for this; the gateway names it in a web identity token and redeems that itself.
So there is no long-lived key that could be stolen, and it ends when the store no longer trusts the gateway.
"""

import asyncio
import secrets
from typing import Final

from vendor.errors import StoreRefused
from vendor.names import UserName
from vendor.stores.credentials import Credentials
from vendor.stores.s3 import S3, Call, Reply
from vendor.stores.store import Order, Store
from vendor.times import Clock

USER: Final = UserName("vendor-operator")
SECONDS: Final = 900
RENEWED_AT: Final = 0.6  # of the keys' life
MAX_ANSWER: Final = 64 * 1024 * 1024  # a MinIO lists its policies with what is in them
_STALE: Final = frozenset(
    {"InvalidAccessKeyId", "ExpiredToken", "InvalidClientTokenId", "InvalidToken", "TokenRefreshRequired"}
)


class Operator:
    """Sends signed calls to a store's administrative interface.

    `send` raises StoreUnavailable, and StoreRefused where the store issues no such keys.
    """

    def __init__(self, store: Store, policy: str, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._s3 = S3(store.settings.endpoint, store.settings.region, most_answer=MAX_ANSWER)
        self._keys: Credentials | None = None
        self._good_until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections and forget the keys."""
        self._keys = None
        await self._s3.close()

    async def send(self, call: Call) -> Reply:
        """Send a call; with fresh keys once more, where the store knows the present ones no longer."""
        keys = await self._current()
        reply = await self._s3.send(keys, call)
        if reply.status in {400, 401, 403} and reply.code in _STALE:
            if self._keys is keys:
                self._keys = None
            reply = await self._s3.send(await self._current(), call)
        return reply

    async def _current(self) -> Credentials:
        async with self._one_at_a_time:
            if self._keys is None or self._clock() >= self._good_until:
                began = self._clock()
                seconds = max(self._store.durations.least, SECONDS)
                lease = f"o_{secrets.token_hex(8)}"
                self._keys = await self._store.mint(Order(lease, USER, None, seconds, ceiling=(self._policy,)))
                self._good_until = began + (self._keys.expires_at - began) * RENEWED_AT
            if self._keys is None:
                raise StoreRefused("The store issued no keys to keep policies with.")
            return self._keys
