"""Vending on governance in a real Valkey, with a store that counts and during whose calls things happen."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.house import House
from vendor.errors import (
    VendError,
)
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.duration import DurationRules
from vendor.leases.ending import Ending
from vendor.leases.lease import LeaseAsk
from vendor.leases.making import Making
from vendor.leases.register import Register
from vendor.leases.renewing import Renewing
from vendor.leases.shield.gate import Gate, Rate
from vendor.leases.shield.limits import Limits
from vendor.leases.shield.live import Memory
from vendor.leases.shield.shield import MOST_LIVE, Shield
from vendor.leases.vending import Vending
from vendor.names import parse_s3_path
from vendor.policy.access import load_access
from vendor.policy.grant import Ask, Level
from vendor.secret import SecretKey, SessionToken
from vendor.settings import shipped_policies
from vendor.stores.credentials import Credentials
from vendor.stores.profile import PROFILES, Durations, Mode, StoreKind
from vendor.stores.store import Order, StoreSettings

NO_LIMIT = Rate(0, 1.0)
KBASE_DATA = "s3://cdm-lake/tenant-general-warehouse/kbase/data/"


async def nothing() -> None:
    """What happens while the store is busy, unless a test says otherwise."""


@dataclass
class Counter:
    """Stands in for a store where a test needs something to happen while the store is busy, or counts the calls."""

    clock: Callable[[], float]
    orders: list[Order] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] = nothing
    failure: VendError | None = None

    profile = PROFILES[StoreKind.JUICEFS]
    durations = Durations(profile, Mode.WEB_IDENTITY)
    admit = None
    settings = StoreSettings("default", profile, "http://s", "http://s", "us-east-1", "vendor", policy="p")

    async def issue(self, order: Order) -> Credentials:
        self.orders.append(order)
        await self.meanwhile()
        if self.failure is not None:
            raise self.failure
        number = len(self.orders)
        keys = SecretKey(f"sk-{number}"), SessionToken(f"st-{number}")
        return Credentials(f"AKID{number}", *keys, self.clock() + order.seconds)


@dataclass
class Shop:
    """A vending use case on governance in a real Valkey, with a store that counts."""

    house: House
    store: Counter
    vending: Vending
    renewing: Renewing
    ending: Ending
    shield: Shield
    replicas: list[Shield] = field(default_factory=list)

    def replica(self, **how: Any) -> Shield:
        """Return the shield of one more replica, which `close` closes."""
        self.replicas.append(open_shield(self.vending, **how))
        return self.replicas[-1]

    async def close(self) -> None:
        """Wait for what is under way."""
        for shield in (self.shield, *self.replicas):
            await shield.close()

    async def events(self) -> list[dict[str, object]]:
        """The events of vending."""
        found = await self.house.recorded()
        return [event for event in found if str(event["kind"]).startswith(("vend.", "break_glass."))]


def open_shop(house: House, ceilings: Ceilings | None = None) -> Shop:
    """Return all use cases of leases."""
    store = Counter(house.clock)
    making = Making(
        governance=house.governance,
        stores={"default": store},  # type: ignore[dict-item]  # has the methods that making calls
        layout=house.shares.layout,
        access=load_access(shipped_policies() / "access.toml"),
        durations=DurationRules(default=60, least=5, most=3600),
        clock=house.clock,
        random=random.Random(1),
        ceilings=ceilings,
    )
    register = Register(house.database, "vendor")
    vending = Vending(making, house.users, house.trail, register, renewable_most=100_000)
    renewing = Renewing(making, house.users, house.trail, register)
    shield = open_shield(vending)
    return Shop(house, store, vending, renewing, Ending(register, house.trail, house.clock, ceilings), shield)


def open_shield(vending: Vending, *, vend: Rate = NO_LIMIT, most_live: int = MOST_LIVE) -> Shield:
    """Return one replica's shield in front of a vending use case."""
    making = vending.making
    gate = Gate(vending.users.desk.governance._database, "vendor")
    limits = Limits(gate, vending.trail, making.clock, vend, NO_LIMIT)
    return Shield(vending, limits, Memory(most_live, making.clock))


def ask(*scope: tuple[str, Level], **more: object) -> LeaseAsk:
    return LeaseAsk(scope=tuple(Ask(parse_s3_path(path), level) for path, level in scope) or None, **more)  # type: ignore[arg-type]
