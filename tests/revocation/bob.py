"""Bob, who holds leases, and what happens to what he may reach."""

from tests.support.callers import caller
from tests.support.house import KBASE, House
from tests.support.shop import ask
from tests.support.vault import Guarded
from vendor.governance.records import Target, TargetKind
from vendor.leases.lease import Lease
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship.shares import Offer

BOB, ALICE, CAROL = caller("bob"), caller("alice"), caller("carol", admin=True)
HOME = "cdm-lake/users-general-warehouse/bob/"
DATA = "cdm-lake/tenant-general-warehouse/kbase/"
GIVEN = "cdm-lake/users-general-warehouse/alice/given/"


async def leased(guarded: Guarded, **more: object) -> Lease:
    return (await guarded.shop.vending.vend(BOB, ask(**more))).lease


async def leave(house: House) -> None:
    await house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)


async def join(house: House) -> None:
    await house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)


async def share(house: House, expires_at: float | None = None) -> None:
    targets = (Target(TargetKind.USER, "bob"),)
    await house.shares.create(ALICE, Offer(parse_s3_path(f"s3://{GIVEN}"), targets, Level.READ, expires_at))
