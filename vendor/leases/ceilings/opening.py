"""Everything about ceilings, put together from the configured stores."""

from collections.abc import Mapping

from vendor.database import Database
from vendor.governance.state import Governance
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.ceilings.claims import Claims
from vendor.leases.ceilings.contents import Contents
from vendor.leases.ceilings.marks import Marks
from vendor.leases.ceilings.proof import Proof
from vendor.leases.ceilings.slots import Slots
from vendor.leases.ceilings.turns import Turns
from vendor.leases.ceilings.writer import Kept, Writer
from vendor.policy.access import AccessTable
from vendor.policy.ceilings import nothing
from vendor.policy.layout import Layout
from vendor.stores.ceilings.keeper import keeper_of
from vendor.stores.ceilings.names import Names
from vendor.stores.profile import CeilingApi
from vendor.stores.s3 import S3
from vendor.stores.store import Store
from vendor.times import Clock


def open_ceilings(
    stores: Mapping[str, Store],
    *,
    database: Database,
    prefix: str,
    governance: Governance,
    layout: Layout,
    access: AccessTable,
    clock: Clock,
    own_slots: Mapping[str, int],
) -> Ceilings | None:
    """Return ceilings for the stores that keep them; None where none does."""
    found = {name: (store, keeper_of(store, clock)) for name, store in stores.items()}
    kept = {
        name: Kept(keeper, store.profile.ceilings is CeilingApi.CANNED, store.profile.removes)
        for name, (store, keeper) in found.items()
        if keeper is not None
    }
    if not kept:
        return None
    names = Names(prefix)
    writer = Writer(
        governance=governance,
        slots=Slots(database, prefix, clock, own=own_slots),
        contents=Contents(layout, access, clock),
        stores=kept,
        names=names,
        turns=Turns(database, prefix),
        unsettled=Marks(database, f"{prefix}:ceilings:unsettled"),
        ending=Marks(database, f"{prefix}:ceilings:ending"),
        doubted=Marks(database, f"{prefix}:ceilings:doubted"),
        clock=clock,
        claims=Claims(
            database,
            names,
            {name: one.keeper for name, one in kept.items()},
            {name: nothing(access, denials=one.denials) for name, one in kept.items()},
        ),
    )
    s3 = {name: S3(stores[name].settings.endpoint, stores[name].settings.region) for name in kept}
    return Ceilings(writer, Proof({name: stores[name] for name in kept}, s3))
