"""A purge has an end, whatever the store does, and there is a record of it before it begins."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.mms.people import people_of
from tests.support.callers import caller
from tests.support.house import KBASE, House, open_house
from vendor.dev.stack import Stack
from vendor.errors import AuditUnavailable, RoleRequired, StoreUnavailable
from vendor.leases import purge
from vendor.leases.purge import Purging
from vendor.names import UserName
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.secret import SecretKey, SessionToken
from vendor.settings import shipped_policies
from vendor.stores.credentials import Credentials
from vendor.stores.objects import Page
from vendor.stores.profile import PROFILES, Durations, Mode, StoreKind
from vendor.stores.store import Order

CAROL = caller("carol", admin=True)


@dataclass
class Issuer:
    """Stands in for a store, to see what it is asked for."""

    orders: list[Order] = field(default_factory=list)
    profile = PROFILES[StoreKind.SEAWEEDFS]
    durations = Durations(profile, Mode.WEB_IDENTITY)

    async def issue(self, order: Order) -> Credentials:
        self.orders.append(order)
        return Credentials("AKID", SecretKey("secret-key"), SessionToken("session"), 0)


@dataclass
class Heap:
    """Stands in for objects: `left` of them, of which a deletion takes `taken` at a time."""

    left: int
    taken: int = 10
    failure: Exception | None = None
    deletions: int = 0

    async def page(self, _keys: Credentials, _bucket: str, prefix: str, _after: str | None) -> Page:
        return Page(tuple(f"{prefix}{number}" for number in range(self.left, max(0, self.left - 10), -1)), None)

    async def delete(self, _keys: Credentials, _bucket: str, _names: Sequence[str]) -> None:
        self.deletions += 1
        if self.failure is not None and self.deletions > 1:
            raise self.failure
        self.left -= self.taken


@pytest.fixture
async def house(valkey: str) -> AsyncIterator[House]:
    async with open_house(valkey) as made:
        yield made


def purging(house: House, heap: Heap, issuer: Issuer | None = None) -> Purging:
    stores: Any = {"default": issuer or Issuer()}
    objects: Any = {"default": heap}
    policies = shipped_policies()
    layout, access = load_layout(policies / "layout.toml"), load_access(policies / "access.toml")
    return Purging(stores, objects, layout, access, house.trail, house.clock)


async def test_the_keys_reach_the_folders_and_nothing_else(house: House) -> None:
    issuer = Issuer()
    await purging(house, Heap(0), issuer).of_tenant(CAROL, KBASE)

    (order,) = issuer.orders
    assert order.user == "carol"
    assert order.policy
    for kind in ("general", "sql"):
        assert f"cdm-lake/tenant-{kind}-warehouse/kbase/*" in order.policy
    assert "users-" not in order.policy
    assert order.seconds <= 900


async def test_it_goes_on_until_nothing_is_left(house: House) -> None:
    heap = Heap(95)

    done = await purging(house, heap).of_tenant(CAROL, KBASE)

    assert (done.removed, done.complete) == (95, True)
    assert heap.left <= 0


async def test_a_store_that_keeps_what_it_deleted_does_not_keep_the_purge(house: House) -> None:
    done = await purging(house, Heap(5, taken=0)).of_tenant(CAROL, KBASE)

    assert done.complete is False


async def test_it_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "MOST_OBJECTS", 30)
    heap = Heap(1000)

    done = await purging(house, heap).of_tenant(CAROL, KBASE)

    assert (done.removed, done.complete) == (30, False)
    assert heap.left == 970


async def test_a_failure_is_told_and_recorded_with_what_was_removed(house: House) -> None:
    heap = Heap(50, failure=StoreUnavailable("The store does not answer."))

    with pytest.raises(StoreUnavailable):
        await purging(house, heap).of_tenant(CAROL, KBASE)

    assert (await house.kinds())[-2:] == ["data.purge_begun", "data.purged"]
    last = (await house.recorded())[-1]
    assert (last["removed"], last["decision"]) == (10, "failed")


async def test_nothing_is_deleted_that_is_not_on_record(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    heap = Heap(50)

    async def deaf(_event: object) -> None:
        raise AuditUnavailable("The audit log does not take events.")

    monkeypatch.setattr(house.trail, "write", deaf)
    with pytest.raises(AuditUnavailable):
        await purging(house, heap).of_user(CAROL, UserName("alice"))

    assert heap.deletions == 0


async def test_only_administrators_purge(house: House) -> None:
    issuer = Issuer()
    with pytest.raises(RoleRequired):
        await purging(house, Heap(50), issuer).of_user(caller("alice"), UserName("alice"))

    assert issuer.orders == []


def test_a_store_that_keeps_folders_is_emptied_of_them_too(juicefs_stack: Stack) -> None:
    stack, admin = juicefs_stack, juicefs_stack.store.site.client()
    with people_of(stack) as people:
        ann = people.person("ann")
        prefix = f"users-general-warehouse/{ann.name}/"
        ann.get("/credentials/")
        for key in ("a/b/c/x", "a/b/y", "z"):
            admin.put_object(Bucket=stack.bucket, Key=prefix + key, Body=b"x")

        answer = people.admin().call("DELETE", f"/management/users/{ann.name}?purge_data=true").json()

    assert answer["purged"]["complete"] is True
    assert admin.list_objects_v2(Bucket=stack.bucket, Prefix=prefix).get("Contents", []) == []
