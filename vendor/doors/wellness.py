"""Which of the parts that vending depends on answer: looked at most once a second, however many ask."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final

from vendor.database import Database
from vendor.errors import VendError
from vendor.identity.authenticator import Authenticator
from vendor.stores.store import Store

PROBE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Wellness:
    """What answered, by name."""

    redis: bool
    identity: dict[str, bool]
    stores: dict[str, bool]


async def look(database: Database, authenticator: Authenticator, stores: Mapping[str, Store]) -> Wellness:
    """Ask all parts at the same time, for a few seconds at most."""
    redis, identity, found = await asyncio.gather(
        _well(database.ping()),
        _identity(authenticator),
        asyncio.gather(*(store.answers() for store in stores.values())),
    )
    return Wellness(redis, identity, dict(zip(stores, found, strict=True)))


async def _well(check: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(check, PROBE_SECONDS)
    except (VendError, TimeoutError):
        return False
    return True


async def _identity(authenticator: Authenticator) -> dict[str, bool]:
    try:
        return dict(await asyncio.wait_for(authenticator.ready(), PROBE_SECONDS))
    except TimeoutError:
        return {"answers": False}
