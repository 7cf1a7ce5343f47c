"""Ceilings on governance in a real Valkey, with documents kept in memory, so that a store can fail at will."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from tests.support.house import House
from tests.support.shop import Shop, open_shop
from vendor.errors import StoreUnavailable
from vendor.leases.aftermath import Aftermath
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.ceilings.claims import Claims
from vendor.leases.ceilings.contents import Contents
from vendor.leases.ceilings.effects import Effects
from vendor.leases.ceilings.marks import Marks
from vendor.leases.ceilings.slots import Slots
from vendor.leases.ceilings.sweep import Sweep
from vendor.leases.ceilings.turns import Turns
from vendor.leases.ceilings.worker import Worker
from vendor.leases.ceilings.writer import Kept, Writer
from vendor.names import Bucket, Prefix
from vendor.policy.access import load_access
from vendor.policy.ceilings import nothing as nothing_at_all
from vendor.policy.oracle import Decision, S3Request, decide
from vendor.settings import shipped_policies
from vendor.stores.ceilings.names import Names

ACCESS = load_access(shipped_policies() / "access.toml")


async def nothing() -> None:
    """What happens during a write, unless a test says otherwise."""


@dataclass
class Vault:
    """The documents of a store, every write to it, and what goes wrong."""

    documents: dict[str, str] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    away: bool = False
    looks: int = 0
    meanwhile: Callable[[], Awaitable[object]] = nothing

    async def put(self, name: str, text: str) -> None:
        if self.away:
            raise StoreUnavailable("The store is away.")
        await self.meanwhile()
        self.documents[name] = text
        self.writes.append(name)

    async def remove(self, name: str) -> None:
        self.documents.pop(name, None)

    async def names(self) -> list[str]:
        if self.away:
            raise StoreUnavailable("The store is away.")
        self.looks += 1
        return list(self.documents)

    async def close(self) -> None:
        pass

    def allows(self, names: tuple[str, ...], bucket: str, prefix: str) -> bool:
        """Say whether keys that name these documents may list a prefix."""
        decisions = {decide(self.documents[name], S3Request.listing(bucket, prefix)) for name in names}
        return Decision.ALLOWED in decisions and Decision.DENIED not in decisions


@dataclass
class Seen:
    """Stands in for the proof: looks into the vault."""

    vault: Vault

    async def denied(self, _store: str, documents: tuple[str, ...], place: tuple[Bucket, Prefix]) -> bool:
        return not self.vault.allows(documents, *place)

    async def close(self) -> None:
        pass


@dataclass
class Guarded:
    """A shop with ceilings, and its worker."""

    shop: Shop
    vault: Vault
    ceilings: Ceilings
    worker: Worker
    aftermath: Aftermath

    @property
    def writer(self) -> Writer:
        return self.ceilings.writer

    def may(self, lease: Any, path: str) -> bool:
        """Say whether the documents of a lease allow a path `bucket/prefix` now."""
        bucket, _, prefix = path.partition("/")
        return self.vault.allows(lease.ceiling, bucket, prefix)


def claims_of(house: House, vault: Vault) -> Claims:
    """Return the claims of one replica of the state in a house on the store `default`."""
    return Claims(
        house.database, Names("vendor"), {"default": vault}, {"default": nothing_at_all(ACCESS, denials=True)}
    )


def open_guarded(
    house: House,
    vault: Vault | None = None,
    *,
    own: int = 8,
    denials: bool = True,
    claiming: bool = False,
    removes: bool = True,
) -> Guarded:
    """Return leases with ceilings in a vault; two of them with one vault are two replicas.

    With `claiming` it is looked at whose the vault is, and a marker is put in it.
    """
    vault = vault or Vault()
    layout = house.shares.layout
    writer = Writer(
        governance=house.governance,
        slots=Slots(house.database, "vendor", house.clock, own={"default": own}),
        contents=Contents(layout, ACCESS, house.clock),
        stores={"default": Kept(vault, denials, removes)},
        names=Names("vendor"),
        turns=Turns(house.database, "vendor"),
        unsettled=Marks(house.database, "vendor:ceilings:unsettled"),
        ending=Marks(house.database, "vendor:ceilings:ending"),
        doubted=Marks(house.database, "vendor:ceilings:doubted"),
        clock=house.clock,
        claims=claims_of(house, vault) if claiming else None,
    )
    ceilings = Ceilings(writer, cast(Any, Seen(vault)))
    shop = open_shop(house, ceilings)
    effects = Effects(writer)
    aftermath = Aftermath(house.database, "vendor", effects, shop.ending)
    worker = Worker(
        database=house.database,
        stream=house.trail._stream,
        effects=effects,
        unsettled=writer.unsettled,
        ending=writer.ending,
        doubted=writer.doubted,
        sweep=Sweep(house.database, "vendor", effects),
        ended=aftermath.ended,
        clock=house.clock,
    )
    return Guarded(shop, vault, ceilings, worker, aftermath)
