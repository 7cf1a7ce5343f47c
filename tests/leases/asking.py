"""Asks that the tests of identical asks have in common, and what they look at."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

from tests.support.callers import caller
from tests.support.shop import Shop
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.shield.shield import Shield
from vendor.secret import RawToken, proof_of
from vendor.stewardship.caller import Caller

USUAL = "a token of some length"


def shown(name: str, token: str = USUAL) -> Caller:
    """A caller who showed a token."""
    who = caller(name)
    return replace(who, principal=replace(who.principal, proof=proof_of(RawToken(token))))


@dataclass
class Busy:
    """Keeps the store busy until it is told to go on."""

    shop: Shop
    entered: asyncio.Event
    free: asyncio.Event

    @classmethod
    def at(cls, shop: Shop) -> "Busy":
        made = cls(shop, asyncio.Event(), asyncio.Event())

        async def meanwhile() -> None:
            made.entered.set()
            await made.free.wait()

        shop.store.meanwhile = meanwhile
        return made


async def keys_of(asks: list[Awaitable[Issued]]) -> set[str]:
    return {issued.credentials.access_key_id for issued in await asyncio.gather(*asks)}


def bound(who: Caller, **facts: Any) -> Caller:
    return replace(who, principal=replace(who.principal, **facts))


async def live_keys(shop: Shop) -> list[str]:
    client = shop.house.database._client
    return [key async for key in client.scan_iter("vendor:shield:*:live:*")]


async def other(shop: Shop, who: Caller, what: LeaseAsk, shield: Shield | None = None) -> Issued:
    """Ask on a replica that has just begun."""
    await shop.shield._flights.landed()
    return await (shield or shop.replica()).vend(who, what)
