"""The use cases that only this door calls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vendor.identity.profiles import Profiles
from vendor.identity.trust import Trust
from vendor.leases.ending import Ending
from vendor.leases.homes import Homes
from vendor.leases.kept import KeptLeases
from vendor.leases.purge import Purging
from vendor.leases.rotating import Rotating
from vendor.leases.shield.shield import Shield
from vendor.policy.access import AccessTable
from vendor.stewardship.desk import Desk, Joins
from vendor.stewardship.directory import Directory
from vendor.stewardship.halves import Halves
from vendor.stewardship.members import Members
from vendor.stewardship.rights import RightsReader
from vendor.stewardship.rotation import Rotation
from vendor.stores.objects import Objects


@dataclass(frozen=True, slots=True)
class MmsParts:
    """Everything beyond the use cases of the native API.  `access` spells all actions out: clients know no others."""

    kept: KeptLeases
    rotating: Rotating
    directory: Directory
    halves: Halves
    rights: RightsReader
    purging: Purging
    profiles: Profiles
    access: AccessTable
    objects: Mapping[str, Objects]
    joins: Joins | None

    async def close(self) -> None:
        """Close what it opened."""
        await self.profiles.close()
        for objects in self.objects.values():
            await objects.close()


def open_mms(desk: Desk, vending: Shield, ending: Ending, trust: Trust) -> MmsParts:
    """Make the parts."""
    making = vending.making
    objects = {name: Objects(store.settings.endpoint, store.settings.region) for name, store in making.stores.items()}
    return MmsParts(
        kept=KeptLeases(vending, Homes(making.layout, objects)),
        rotating=Rotating(Rotation(desk), ending),
        directory=Directory(desk),
        halves=Halves(desk, Members(desk)),
        rights=RightsReader(desk, vending.users, making.layout),
        purging=Purging(making.stores, objects, making.layout, making.access, vending.trail, making.clock),
        profiles=Profiles(trust.kbase, folder=trust.folder),
        access=replace(making.access, spelling=()),
        objects=objects,
        joins=desk.joins,
    )
