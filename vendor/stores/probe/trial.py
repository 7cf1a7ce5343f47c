"""What every check works with: a store, keys that it issued, and objects that those keys do and do not open."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vendor.errors import StoreRefused
from vendor.names import PROBE_USER
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level
from vendor.policy.planner import plan_session_policy
from vendor.stores.credentials import Credentials
from vendor.stores.probe.check import Finding, failed, passed
from vendor.stores.probe.ground import BODY, OBJECT, Ground
from vendor.stores.profile import Lifetime, Mode
from vendor.stores.s3 import S3, Call, Reply, path_of
from vendor.stores.store import Order, Store
from vendor.stores.xml import parse_keys
from vendor.times import Clock

KEY_SECONDS: Final = 600
"""How long the keys of a probe are asked to last.  They open nothing but its own folder, which is empty afterwards."""

NOT_IMPLEMENTED: Final = 501

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a probe is run with.

    `most_seconds` are the longest keys that the gateway asks for; `patience` is how long, in seconds, the probe waits
    for keys to end.
    """

    access: AccessTable
    most_seconds: int
    patience: float = 60.0
    clock: Clock = time.time
    sleep: Sleep = asyncio.sleep


@dataclass(slots=True)
class Trial:
    """One run.  `s3` is the store as clients reach it; `mine` are the keys under test."""

    store: Store
    s3: S3
    ground: Ground
    terms: Terms
    mine: Credentials
    left_behind: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """The end of the keys is that of the token, to the second, and no duration is sent."""
        return _exact(self.store)

    def hello(self, folder: str) -> str:
        """Return the key of the object that is planted in a folder."""
        return folder + OBJECT

    def get(self, key: str, unsigned: Mapping[str, str] | None = None) -> Call:
        """Return the call that reads an object, with headers that are not signed."""
        return Call("GET", path_of(self.ground.bucket, key), unsigned=unsigned or {})

    def put(self, key: str, headers: Mapping[str, str] | None = None) -> Call:
        """Return the call that writes an object."""
        return Call("PUT", path_of(self.ground.bucket, key), headers=headers or {}, body=BODY)

    def delete(self, key: str) -> Call:
        """Return the call that deletes an object."""
        return Call("DELETE", path_of(self.ground.bucket, key))

    async def send(self, call: Call, keys: Credentials | None = None) -> Reply:
        """Send a call with the keys under test, or with others."""
        return await self.s3.send(keys or self.mine, call)

    async def denied(self, calls: Iterable[Call], keys: Credentials | None = None) -> Finding:
        """Find out whether every one of these calls is denied, to keys that work."""
        seen = []
        for call in calls:
            reply = await self.send(call, keys)
            if reply.fine:
                return failed(f"{call.method} was answered with {reply.short}")
            if reply.status >= 500 and reply.status != NOT_IMPLEMENTED:
                return failed(f"{call.method} was neither allowed nor denied: {reply.short}")
            seen.append(reply.short)
        return await self.unless_all_is_denied(summary(seen), keys)

    async def unless_all_is_denied(self, detail: str, keys: Credentials | None = None) -> Finding:
        """Return that a denial was seen, provided that the same keys still open what they are for."""
        control = await self.send(self.get(self.hello(self.ground.mine)), keys)
        if not control.fine:
            return failed(f"denied, but so is what the keys are for ({control.short}): this says nothing")
        return passed(detail)

    async def hidden(self, call: Call) -> Finding:
        """Find out whether a listing shows nothing but what the keys are for."""
        reply = await self.send(call)
        if not reply.fine:
            return await self.unless_all_is_denied(reply.short)
        keys = parse_keys(reply.body)
        if keys is None:
            return failed("the listing was allowed")
        foreign = [key for key in keys if not key.startswith(self.ground.mine)]
        return failed("the listing shows keys of others") if foreign else passed("allowed, and shows nothing of others")

    def policy(self, *grants: Grant) -> str:
        """Return the session policy that a lease of these grants gets; of the keys under test, if none are named."""
        limit = self.store.profile.policy_limit
        return plan_session_policy(grants or (self.ground.grant(),), self.terms.access, limit).text

    async def keys(self, *grants: Grant, seconds: int | None = None) -> Credentials:
        """Have keys issued as a lease has them.  Raises InvalidDuration, StoreRefused, StoreUnavailable."""
        return await self.store.mint(self.order(self.policy(*grants), seconds))

    async def ask(self, policy: str, seconds: int | None = None, **form: str) -> Credentials | None:
        """Ask for keys as no lease does, with parts of the call replaced; None if the store refuses.

        Raises StoreUnavailable.
        """
        call = self.store.form(self.order(self.policy(self.ground.grant(Level.READ)), seconds))
        try:
            return await self.store.redeem(call | {"Policy": policy} | form)
        except StoreRefused:
            return None

    def order(self, policy: str, seconds: int | None = None) -> Order:
        """Return an order for keys under the probe's name."""
        return order(self.store, self.ground, policy, seconds)

    async def opens(self, keys: Credentials, folder: str) -> bool:
        """Say whether keys read the object that is planted in a folder."""
        return (await self.send(self.get(self.hello(folder)), keys)).fine


def summary(seen: Iterable[str]) -> str:
    """Return the different answers of a check; a status alone says nothing beside the same one with a code."""
    different = sorted(set(seen))
    return " and ".join(one for one in different if not any(other.startswith(f"{one} ") for other in different))


def order(store: Store, ground: Ground, policy: str, seconds: int | None = None) -> Order:
    """Return an order for keys under the probe's name."""
    usual = KEY_SECONDS if _exact(store) else max(KEY_SECONDS, store.profile.least_duration)
    return Order(ground.session, PROBE_USER, policy, seconds or usual)


async def first_keys(
    store: Store, ground: Ground, access: AccessTable, grant: Grant, seconds: int | None = None
) -> Credentials:
    """Have keys issued as a lease has them.  Raises StoreRefused, StoreUnavailable and what the planner raises."""
    policy = plan_session_policy([grant], access, store.profile.policy_limit)
    return await store.mint(order(store, ground, policy.text, seconds))


def _exact(store: Store) -> bool:
    by_token = store.settings.mode is Mode.WEB_IDENTITY
    return by_token and store.profile.web_identity_lifetime is Lifetime.EXP
