"""See that documents deny: with fresh keys that name them, by a call that the ended lease could make."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vendor.names import PROBE_USER, Bucket, Prefix
from vendor.stores.s3 import S3, Call, path_of
from vendor.stores.store import Order, Store

SECONDS: Final = 60
_DENIED: Final = "AccessDenied"


@dataclass(frozen=True, slots=True)
class Proof:
    """How it is seen, per store.  `s3` is where the gateway reaches it."""

    stores: Mapping[str, Store]
    s3: Mapping[str, S3]

    async def denied(self, store: str, documents: tuple[str, ...], place: tuple[Bucket, Prefix]) -> bool:
        """Say whether listing `place` is denied to keys that these documents limit and nothing else does.

        Whatever may be read or written may be listed.  Keys that can do nothing are no danger; they are forgotten.
        Raises StoreUnavailable, StoreRefused.
        """
        if not documents:
            return True
        issuer = self.stores[store]
        seconds = max(SECONDS, issuer.durations.least)
        order = Order(f"p_{secrets.token_hex(8)}", PROBE_USER, None, seconds, ceiling=documents)
        keys = await issuer.mint(order)
        bucket, prefix = place
        listing = Call("GET", path_of(bucket), (("list-type", "2"), ("max-keys", "1"), ("prefix", prefix)))
        reply = await self.s3[store].send(keys, listing)
        return reply.status == 403 and reply.code == _DENIED

    async def close(self) -> None:
        """Close all connections."""
        for s3 in self.s3.values():
            await s3.close()
