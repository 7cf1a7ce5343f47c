"""The promises of vending: nothing unrecorded leaves, nothing is asked in vain, only what still holds is given."""

import asyncio
import hashlib
import json

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from vendor.dev.valkey import Valkey
from vendor.errors import (
    AuditUnavailable,
    InvalidRequest,
    NothingGranted,
    PolicyTooLarge,
    RoleRequired,
    ScopeNotGranted,
    StateUnavailable,
    StoreUnavailable,
    UnknownStore,
)
from vendor.leases import facts, splitting
from vendor.leases.lease import MOST_ENTRIES
from vendor.leases.splitting import Splitting
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Level


async def test_an_issued_lease_is_recorded_before_it_is_answered(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("alice"), ask(audit_context={"job": "j-1"}))

    (event,) = await shop.events()
    assert event["kind"] == "vend.issued"
    assert event["lease"] == issued.lease.id
    assert event["access_key_id"] == "AKID1"
    limits = {"bytes": issued.lease.policy.bytes, "sha256": issued.lease.policy.sha256, "form": "session"}
    assert event["policy"] == limits
    assert event["ceiling"] == []
    assert event["audit_context"] == {"job": "j-1"}
    assert "sk-1" not in json.dumps(event)
    assert await shop.house.database.get_hash(f"vendor:lease:{issued.lease.id}")


async def test_nothing_granted_asks_the_store_for_nothing(shop: Shop) -> None:
    with pytest.raises(NothingGranted):
        await shop.vending.vend(caller("dave", has_home=False), ask())

    assert shop.store.orders == []
    (event,) = await shop.events()
    assert (event["kind"], event["decision"], event["reason"]) == ("vend.denied", "denied", "nothing_granted")


async def test_every_order_carries_a_policy(shop: Shop) -> None:
    await shop.vending.vend(caller("bob"), ask((KBASE_DATA, Level.READ)))

    policy = json.loads(shop.store.orders[0].policy or "")
    assert policy["Statement"]
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    assert "s3:PutObject" not in json.dumps(policy)


@pytest.mark.parametrize(
    ("who", "path", "level"),
    [
        ("bob", KBASE_DATA, Level.WRITE),
        ("dave", KBASE_DATA, Level.READ),
        ("bob", "s3://cdm-lake/users-general-warehouse/alice/", Level.READ),
        ("alice", "s3://cdm-lake/users-general-warehouse/alice-2/", Level.READ),
        ("alice", "s3://cdm-lake/users-general-warehouse/", Level.READ),
        ("carol", "s3://cdm-lake/users-general-warehouse/alice/", Level.READ),
    ],
)
async def test_what_is_not_granted_is_named(shop: Shop, who: str, path: str, level: Level) -> None:
    with pytest.raises(ScopeNotGranted) as refusal:
        await shop.vending.vend(caller(who, admin=who == "carol"), ask((path, level)))

    assert refusal.value.details == {"not_granted": [{"path": path, "access": str(level)}]}
    assert shop.store.orders == []


async def test_partial_gives_what_there_is_and_says_what_is_missing(shop: Shop) -> None:
    other = "s3://cdm-lake/users-general-warehouse/alice/"
    issued = await shop.vending.vend(caller("bob"), ask((KBASE_DATA, Level.READ), (other, Level.READ), partial=True))

    assert [granted.ask.path.text for granted in issued.lease.scope] == [KBASE_DATA]
    assert [missing.path.text for missing in issued.lease.not_granted] == [other]
    with pytest.raises(NothingGranted):
        await shop.vending.vend(caller("bob"), ask((other, Level.READ), partial=True))


async def test_a_membership_lost_while_the_store_was_busy_is_not_in_the_lease(shop: Shop) -> None:
    async def leave() -> None:
        shop.store.meanwhile = nothing
        await shop.house.members.remove(caller("carol", admin=True), KBASE, UserName("bob"), revision=None)

    shop.store.meanwhile = leave
    issued = await shop.vending.vend(caller("bob"), ask())

    assert {granted.source for granted in issued.lease.scope} == {"home"}
    assert len(shop.store.orders) == 2
    (event,) = await shop.events()
    assert event["lease"] == issued.lease.id
    kept = await shop.vending.register.get(issued.lease.id)
    assert kept is not None
    assert {entry["source"] for entry in kept.view["scope"]} == {"home"}
    assert event["access_key_id"] == "AKID2"


async def test_a_change_to_somebody_else_costs_no_second_call(shop: Shop) -> None:
    async def elsewhere() -> None:
        await shop.house.users.standing(caller("erin"))

    shop.store.meanwhile = elsewhere
    await shop.vending.vend(caller("bob"), ask())

    assert len(shop.store.orders) == 1


async def test_no_record_no_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse_writes() -> None:
        await shop.house.database._client.config_set("maxmemory", "1")  # a full Redis refuses every write

    shop.store.meanwhile = refuse_writes
    try:
        with pytest.raises(AuditUnavailable):
            await shop.vending.vend(caller("alice"), ask())
    finally:
        await shop.house.database._client.config_set("maxmemory", "0")

    assert len(shop.store.orders) == 1
    assert await shop.events() == []


async def test_a_store_that_is_away_is_recorded_as_a_failure(shop: Shop) -> None:
    shop.store.failure = StoreUnavailable("The store does not answer.")

    with pytest.raises(StoreUnavailable):
        await shop.vending.vend(caller("alice"), ask())

    (event,) = await shop.events()
    assert (event["decision"], event["reason"]) == ("failed", "store_unavailable")


async def test_an_expiring_share_cuts_the_lease(shop: Shop) -> None:
    from vendor.governance.records import Target, TargetKind
    from vendor.stewardship.shares import Offer

    path = "s3://cdm-lake/users-general-warehouse/alice/data/"
    end = shop.house.clock.now + 30
    offer = Offer(parse_s3_path(path), (Target(TargetKind.USER, "bob"),), Level.READ, end)
    await shop.house.shares.create(caller("alice"), offer)

    await shop.vending.vend(caller("bob"), ask((path, Level.READ)))
    await shop.vending.vend(caller("bob"), ask((KBASE_DATA, Level.READ)))
    assert [order.seconds for order in shop.store.orders] == [30, 60]

    shop.house.clock.now += 27
    with pytest.raises(ScopeNotGranted):
        await shop.vending.vend(caller("bob"), ask((path, Level.READ)))
    shop.house.clock.now += 4
    with pytest.raises(ScopeNotGranted):
        await shop.vending.vend(caller("bob"), ask((path, Level.READ)))
    everything = await shop.vending.vend(caller("bob"), ask())
    assert path not in {granted.ask.path.text for granted in everything.lease.scope}


async def test_a_disabled_account_gets_nothing(shop: Shop) -> None:
    carol = caller("carol", admin=True)
    await shop.house.users.patch(carol, UserName("bob"), {"disabled": True}, revision=None)

    with pytest.raises(RoleRequired):
        await shop.vending.vend(caller("bob"), ask())
    assert shop.store.orders == []


async def test_a_scope_that_does_not_fit_is_refused_whole(shop: Shop) -> None:
    paths = [(f"s3://cdm-lake/users-general-warehouse/alice/{'x' * 60}{number}/", Level.WRITE) for number in range(40)]

    with pytest.raises(PolicyTooLarge) as refusal:
        await shop.vending.vend(caller("alice"), ask(*paths))
    assert refusal.value.details["limit"] == 2048
    assert shop.store.orders == []


async def test_a_break_glass_login_says_why(shop: Shop) -> None:
    from dataclasses import replace

    alice = caller("alice")
    alice = replace(alice, principal=replace(alice.principal, break_glass=True, max_lease_seconds=10))

    with pytest.raises(InvalidRequest):
        await shop.vending.vend(alice, ask())
    await shop.vending.vend(alice, ask(audit_context={"reason": "restore after the outage"}))

    assert [event["kind"] for event in await shop.events()] == ["break_glass.denied", "break_glass.issued"]
    assert shop.store.orders[0].seconds == 10


async def test_an_unknown_store(shop: Shop) -> None:
    with pytest.raises(UnknownStore):
        await shop.vending.vend(caller("alice"), ask(store="other"))


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param([f"{KBASE_DATA}{n}/" for n in range(MOST_ENTRIES + 1)], id="too-many"),
        pytest.param([f"{KBASE_DATA}{n}/{'x' * 900}/" for n in range(150)], id="too-long"),
    ],
)
async def test_a_scope_has_bounds(shop: Shop, paths: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        await shop.vending.vend(caller("alice"), ask(*((path, Level.READ) for path in paths)))
    assert not shop.store.orders


async def test_an_event_has_the_beginning_of_a_scope_and_the_digest_of_all_of_it(shop: Shop) -> None:
    what = ask(*((f"{KBASE_DATA}{n:03}/{'x' * 70}/", Level.READ) for n in range(900)))
    with pytest.raises(PolicyTooLarge):
        await shop.vending.vend(caller("alice"), what)

    (event,) = await shop.events()
    asked = event["asked"]
    assert isinstance(asked, dict)
    whole = [{"path": one.path.text, "access": "read"} for one in what.scope or ()]
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    assert asked["scope"] == whole[: facts.RECORDED]
    assert asked["scope_whole"] == {"entries": 900, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert len(json.dumps(event)) < 20_000


async def test_a_scope_that_takes_very_many_leases_is_refused_as_a_whole(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splitting, "MOST_PARTS", 2)
    split = Splitting(shop.vending.making, shop.shield, shop.ending)
    scope = [(f"{KBASE_DATA}{n:03}/{'x' * 100}/", Level.READ) for n in range(30)]

    with pytest.raises(InvalidRequest) as refusal:
        await split.vend(caller("alice"), ask(*scope))
    assert refusal.value.details["limit"] == 2
    assert not shop.store.orders
    assert [event["reason"] for event in await shop.events()] == ["invalid_request"]


async def test_a_set_that_fails_ends_nothing_that_was_somebody_s_before(shop: Shop) -> None:
    split = Splitting(shop.vending.making, shop.shield, shop.ending)
    scope = [(f"{KBASE_DATA}{n:03}/{'x' * 100}/", Level.READ) for n in range(30)]
    first = await split.vend(caller("alice"), ask(*scope))
    shop.shield.memory.drop(*next((mark, live) for mark, (live, _) in shop.shield.memory._kept.items()
                                  if live.issued.lease.id == first[-1].lease.id))  # fmt: skip
    shop.store.failure = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await split.vend(caller("alice"), ask(*scope))

    assert len(first) > 1
    assert all([await shop.shield.register.is_live(issued.lease.id) for issued in first])


@pytest.mark.parametrize("how", ["hangs", "ends"])
async def test_redis_gone_between_the_keys_and_their_record(shop: Shop, valkey_server: Valkey, how: str) -> None:
    """The keys go nowhere: not to who asked, not into memory, and to nobody who asks when Redis is back."""
    child = valkey_server.child

    async def gone() -> None:
        child.freeze() if how == "hangs" else child.stop(kill=True)

    shop.store.meanwhile = gone
    try:
        with pytest.raises(AuditUnavailable) as refusal:
            await shop.shield.vend(caller("bob"), ask())
        assert refusal.value.retry_after
    finally:
        child.thaw() if how == "hangs" else child.restart()
    shop.store.meanwhile = nothing
    await answering(shop)

    assert (await shop.shield.vend(caller("bob"), ask())).credentials.access_key_id == "AKID2"
    if how == "ends":  # one that hung may still write what it was told
        assert all(event.get("access_key_id") != "AKID1" for event in await shop.events())


async def answering(shop: Shop) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                return await shop.house.database.ping()
            except StateUnavailable:
                await asyncio.sleep(0.05)
