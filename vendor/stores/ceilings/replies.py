"""Administrative calls: who sends them, and what their answers mean."""

from typing import Protocol

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.stores.s3 import Call, Reply


class Sender(Protocol):
    """Sends signed calls.  `send` raises StoreUnavailable, StoreRefused."""

    async def send(self, call: Call) -> Reply:
        """Send one call."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def require(reply: Reply, doing: str, code: str) -> None:
    """Raise unless the call was done.  `code` is the store's own word for a refusal; nothing else of it is shown."""
    if reply.fine:
        return
    if reply.status >= 500 or reply.status == 429:
        raise StoreUnavailable(f"The store cannot {doing} at the moment ({reply.status} {code}).")
    raise StoreRefused(f"The store refused to {doing} ({reply.status} {code}).", details={"store_code": code})
