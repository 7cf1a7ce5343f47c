"""Identical asks: one flight, one live lease, one answer that is still true; here and on another replica."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from tests.support.waiting import reached
from vendor.errors import NothingGranted, RoleRequired, StateUnavailable, StoreUnavailable, UnknownStore, VendError
from vendor.identity.principal import ActsFor
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.shield import elsewhere
from vendor.leases.shield.shield import Shield
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Ask, Level
from vendor.secret import RawToken, proof_of
from vendor.stewardship.caller import Caller
from vendor.stewardship.rotation import Rotation

CAROL = caller("carol", admin=True)
BOB = UserName("bob")


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


async def events(shop: Shop) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in await shop.house.trail.read(count=2000)]


async def test_500_identical_asks_at_once_are_one_call_and_500_events(shop: Shop) -> None:
    keys = await keys_of([shop.shield.vend(caller("bob"), ask()) for _ in range(500)])

    assert keys == {"AKID1"}
    assert len(shop.store.orders) == 1
    kinds = await shop.house.kinds()
    assert (kinds.count("vend.issued"), kinds.count("vend.reused")) == (1, 499)
    assert shop.shield.counters.joined == 499


async def test_500_identical_asks_on_two_replicas_are_at_most_two_calls(shop: Shop) -> None:
    replicas = [shop.shield, shop.replica()]
    busy = Busy.at(shop)
    asks = [asyncio.ensure_future(replicas[n % 2].vend(shown("bob"), ask())) for n in range(500)]
    await busy.entered.wait()
    busy.free.set()

    assert len(await keys_of(list(asks))) <= 2
    assert len(shop.store.orders) == 1, "the replica that came second waited for the first"
    assert sum(one.counters.adopted for one in replicas) == 1


async def test_asks_without_a_token_to_seal_with_are_one_call_per_replica(shop: Shop) -> None:
    replicas = [shop.shield, shop.replica()]
    await keys_of([replicas[n % 2].vend(caller("bob"), ask()) for n in range(100)])

    assert len(shop.store.orders) == 2


async def test_the_same_lease_until_half_of_its_life_is_over(shop: Shop) -> None:
    first = await shop.shield.vend(caller("bob"), ask(duration=100))
    shop.house.clock.now += 49.9
    again = await shop.shield.vend(caller("bob"), ask(duration=100))
    shop.house.clock.now += 0.1
    later = await shop.shield.vend(caller("bob"), ask(duration=100))

    assert again.lease == first.lease
    assert later.lease.id != first.lease.id


async def test_a_wall_clock_that_is_set_back_makes_no_keys_live_longer(shop: Shop) -> None:
    now = [1000.0]
    shield = shop.replica()
    shield.monotonic = shield.memory._monotonic = lambda: now[0]
    first = await shield.vend(caller("bob"), ask(duration=100))
    now[0] += 60
    shop.house.clock.now -= 3000

    assert (await shield.vend(caller("bob"), ask(duration=100))).lease.id != first.lease.id


async def test_a_reuse_is_recorded_with_who_asked_and_what_was_given(shop: Shop) -> None:
    issued = await shop.shield.vend(caller("bob"), ask())
    await shop.shield.vend(caller("bob"), ask())

    event = (await events(shop))[-1]
    assert event["kind"] == "vend.reused"
    assert event["lease"] == issued.lease.id
    assert event["access_key_id"] == issued.credentials.access_key_id
    assert issued.credentials.secret_key.reveal() not in json.dumps(event)


async def test_without_a_record_of_it_nothing_is_given_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.shield.vend(caller("bob"), ask())

    async def away(*_: object) -> None:
        raise StateUnavailable("Redis is away.")

    monkeypatch.setattr(type(shop.vending.making.governance), "record", away)
    with pytest.raises(StateUnavailable):
        await shop.shield.vend(caller("bob"), ask())


async def taken_and_given_back(shop: Shop) -> None:
    """The store may have ended live keys when it was taken."""
    await shop.house.members.remove(CAROL, KBASE, BOB, revision=None)
    await shop.house.members.set(CAROL, KBASE, BOB, Access.READ_ONLY, revision=None)


Change = Callable[[Shop, Issued], Awaitable[object]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s, _: s.house.members.remove(CAROL, KBASE, BOB, revision=None), id="membership-lost"),
        pytest.param(lambda s, _: s.house.members.set(CAROL, KBASE, BOB, Access.READ_WRITE, revision=None),
                     id="membership-raised"),
        pytest.param(lambda s, _: s.house.removal.of_tenant(CAROL, KBASE, revision=None), id="tenant-gone"),
        pytest.param(lambda s, _: taken_and_given_back(s), id="membership-lost-and-regained"),
        pytest.param(lambda s, _: Rotation(s.house.desk).rotate(CAROL, BOB), id="keys-rotated"),
        pytest.param(lambda s, one: s.ending.end(CAROL, one.lease.id), id="lease-ended"),
        pytest.param(lambda s, _: s.ending.end_all(CAROL, BOB), id="all-leases-ended"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_what_is_no_longer_true_is_not_given_again(shop: Shop, change: Change, where: str) -> None:
    first = await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    shield = shop.shield if where == "here" else shop.replica()
    await change(shop, first)

    assert (await shield.vend(shown("bob"), ask())).lease.id != first.lease.id


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_who_was_disabled_gets_nothing(shop: Shop, where: str) -> None:
    await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    shield = shop.shield if where == "here" else shop.replica()
    await shop.house.users.patch(CAROL, BOB, {"disabled": True}, revision=None)

    with pytest.raises(RoleRequired):
        await shield.vend(shown("bob"), ask())


async def test_somebody_else_s_change_takes_nothing_from_a_live_lease(shop: Shop) -> None:
    first = await shop.shield.vend(caller("bob"), ask())
    await shop.house.users.patch(CAROL, UserName("alice"), {"display_name": "A"}, revision=None)

    assert (await shop.shield.vend(caller("bob"), ask())).lease.id == first.lease.id


async def test_a_store_that_must_not_be_used_gives_nothing_again(shop: Shop) -> None:
    await shop.shield.vend(caller("bob"), ask())

    async def refuse() -> None:
        raise StoreUnavailable("not sound")

    shop.store.admit = refuse  # type: ignore[assignment]
    shop.store.failure = StoreUnavailable("not sound")
    with pytest.raises(StoreUnavailable):
        await shop.shield.vend(caller("bob"), ask())


def _bound(who: Caller, **facts: Any) -> Caller:
    return replace(who, principal=replace(who.principal, **facts))


HOME = (Ask(parse_s3_path("s3://cdm-lake/users-general-warehouse/bob/"), Level.READ),)


@pytest.mark.parametrize(
    ("who", "what"),
    [
        pytest.param(lambda: caller("alice"), ask(), id="somebody-else"),
        pytest.param(lambda: _bound(caller("bob"), issuer="https://other.example.org"), ask(), id="other-issuer"),
        pytest.param(lambda: _bound(caller("bob"), subject="b0b"), ask(), id="other-subject"),
        pytest.param(lambda: _bound(caller("bob"), has_home=False), ask(), id="no-home"),
        pytest.param(lambda: _bound(caller("bob"), max_lease_seconds=50), ask(), id="shorter"),
        pytest.param(lambda: _bound(caller("bob"), max_scope=HOME), ask(), id="narrower"),
        pytest.param(lambda: _bound(caller("bob"), acts_for=ActsFor(TenantName("kbase"), Access.READ_ONLY)), ask(),
                     id="acts-for-a-tenant"),
        pytest.param(lambda: _bound(caller("bob"), rule="another"), ask(), id="other-rule"),
        pytest.param(lambda: caller("bob"), ask((KBASE_DATA, Level.READ)), id="other-scope"),
        pytest.param(lambda: caller("bob"), ask(duration=61), id="other-duration"),
        pytest.param(lambda: caller("bob"), ask(partial=True), id="partial"),
        pytest.param(lambda: caller("bob"), ask(audit_context={"job": "1"}), id="other-context"),
    ],
)  # fmt: skip
async def test_asks_that_differ_share_nothing(shop: Shop, who: Callable[[], Caller], what: LeaseAsk) -> None:
    first = await shop.shield.vend(caller("bob"), ask())

    assert (await shop.shield.vend(who(), what)).lease.id != first.lease.id


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        pytest.param({}, ask(renewable_for=100), id="renewable"),
        pytest.param({"break_glass": True}, ask(audit_context={"reason": "fire"}), id="break-glass"),
    ],
)
async def test_leases_that_are_never_shared(shop: Shop, facts: dict[str, bool], what: LeaseAsk) -> None:
    who = _bound(shown("bob"), **facts)
    together = [shop.shield.vend(who, what) for _ in range(5)]
    leases = {issued.lease.id for issued in await asyncio.gather(*together)}

    assert len(leases) == 5
    assert (await shop.shield.vend(who, what)).lease.id not in leases
    assert not await live_keys(shop)


async def test_a_refusal_is_told_to_all_who_wait_and_recorded_for_each(shop: Shop) -> None:
    dave = _bound(caller("dave"), has_home=False)
    told = await asyncio.gather(*(shop.shield.vend(dave, ask()) for _ in range(20)), return_exceptions=True)

    assert {type(one) for one in told} == {NothingGranted}
    assert (await shop.house.kinds()).count("vend.denied") == 20


async def test_a_store_that_fails_is_asked_once_for_all_and_again_later(shop: Shop) -> None:
    shop.store.failure = StoreUnavailable("away")
    told = await asyncio.gather(*(shop.shield.vend(shown("bob"), ask()) for _ in range(50)), return_exceptions=True)

    assert {type(one) for one in told} == {StoreUnavailable}
    assert len(shop.store.orders) == 1
    await shop.shield._flights.landed()
    shop.store.failure = None
    await shop.replica().vend(shown("bob"), ask())  # the turn was given back, and nothing was kept


async def test_an_unknown_store_is_refused_as_ever(shop: Shop) -> None:
    with pytest.raises(UnknownStore):
        await shop.shield.vend(caller("bob"), ask(store="nowhere"))
    assert (await shop.house.kinds())[-1] == "vend.denied"


async def test_whoever_began_it_may_go_away(shop: Shop) -> None:
    """The others get their answer, and the lease is on record and given again."""
    busy = Busy.at(shop)
    leader = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    others = [asyncio.create_task(shop.shield.vend(caller("bob"), ask())) for _ in range(3)]
    await reached(lambda: shop.shield.counters.joined == 3)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    busy.free.set()

    assert await keys_of(list(others)) == {"AKID1"}
    assert len(shop.store.orders) == 1


async def test_a_lease_that_nobody_waits_for_any_more_is_recorded_and_not_lost(shop: Shop) -> None:
    busy = Busy.at(shop)
    leader = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    busy.free.set()
    await shop.shield._flights.landed()

    assert (await shop.house.kinds())[-1] == "vend.issued"
    assert (await shop.shield.vend(caller("bob"), ask())).credentials.access_key_id == "AKID1"
    assert len(shop.store.orders) == 1


async def test_closing_waits_for_what_is_under_way_and_forgets_all_keys(shop: Shop) -> None:
    busy = Busy.at(shop)
    asked = asyncio.create_task(shop.shield.vend(caller("bob"), ask()))
    await busy.entered.wait()
    closing = asyncio.create_task(shop.shield.close())
    await asyncio.sleep(0)
    assert not closing.done()
    busy.free.set()
    await closing

    await asked
    assert len(shop.shield.memory) == 0


async def test_the_number_of_remembered_leases_is_bounded(shop: Shop) -> None:
    shield = shop.replica(most_live=2)
    first = await shield.vend(caller("alice"), ask())
    for name in ("bob", "dave"):
        await shield.vend(caller(name), ask())

    assert len(shield.memory) == 2
    assert (await shield.vend(caller("alice"), ask())).lease.id != first.lease.id


async def test_keys_are_forgotten_when_they_no_longer_serve_also_if_nobody_asks(shop: Shop) -> None:
    shield = shop.replica()
    await shield.vend(caller("bob"), ask(duration=5))
    shop.house.clock.now += 2.45
    live = next(iter(shield.memory._kept.values()))[0]
    shield.memory.put(b"the same", live)
    await reached(lambda: b"the same" not in shield.memory._kept)


# Across replicas -----------------------------------------------------------------------------------------------------


async def live_keys(shop: Shop) -> list[str]:
    client = shop.house.database._client
    return [key async for key in client.scan_iter("vendor:shield:*:live:*")]


async def other(shop: Shop, who: Caller, what: LeaseAsk, shield: Shield | None = None) -> Issued:
    """Ask on a replica that has just begun."""
    await shop.shield._flights.landed()
    return await (shield or shop.replica()).vend(who, what)


async def test_another_replica_answers_the_same_ask_with_the_same_keys(shop: Shop) -> None:
    what = ask((KBASE_DATA, Level.READ), duration=100)
    first = await shop.shield.vend(shown("bob"), what)
    again = await other(shop, shown("bob"), what)

    assert again.lease == first.lease
    assert again.credentials == first.credentials
    assert len(shop.store.orders) == 1
    assert (await events(shop))[-1]["kind"] == "vend.reused"


async def test_another_token_of_the_same_identity_opens_nothing_here(shop: Shop) -> None:
    first = await shop.shield.vend(shown("bob"), ask())

    assert (await other(shop, shown("bob", "another token altogether"), ask())).lease.id != first.lease.id


async def test_redis_holds_nothing_of_the_keys_and_nothing_of_the_token(shop: Shop) -> None:
    issued = await shop.shield.vend(shown("bob", "tok-3f1c09a2e7"), ask())
    await shop.shield._flights.landed()
    client = shop.house.database._client
    (name,) = await live_keys(shop)
    kept = await client.get(name)
    everything = name + kept

    keys = issued.credentials
    proof = proof_of(RawToken("tok-3f1c09a2e7")).reveal()
    for secret in (keys.secret_key.reveal(), keys.session_token.reveal(), keys.access_key_id, proof, "tok-3f1c09a2e7"):
        assert secret not in everything
    assert 0 < await client.pttl(name) <= 30_000, "gone at half of the life of 60 s"


async def test_what_is_left_for_others_ends_with_the_token_that_opens_it(shop: Shop) -> None:
    ends = shop.house.clock() + 7
    await shop.shield.vend(_bound(shown("bob"), expires_at=ends), ask(duration=100))
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)

    assert 0 < await shop.house.database._client.pttl(name) <= 7000


async def damaged(shop: Shop, change: Callable[[str], str]) -> None:
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)
    client = shop.house.database._client
    await client.set(name, change(await client.get(name)), keepttl=True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-8] + "AAAAAAA=", id="tag"),
        pytest.param(lambda text: "A" + text[1:] if text[0] != "A" else "B" + text[1:], id="nonce"),
        pytest.param(lambda text: text[:40], id="short"),
        pytest.param(lambda _: "not base64 !", id="not-base64"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
async def test_damaged_keys_are_not_used_and_cost_one_call(shop: Shop, change: Callable[[str], str]) -> None:
    first = await shop.shield.vend(shown("bob"), ask())
    await damaged(shop, change)

    assert (await other(shop, shown("bob"), ask())).lease.id != first.lease.id


async def test_keys_that_were_sealed_for_another_ask_do_not_open_under_this_one(shop: Shop) -> None:
    """Whoever can write to Redis cannot make one ask's answer another's."""
    wide = await shop.shield.vend(shown("bob"), ask())
    await shop.shield._flights.landed()
    (name,) = await live_keys(shop)
    client = shop.house.database._client
    sealed = await client.get(name)
    narrow = ask((KBASE_DATA, Level.READ))
    await shop.shield.vend(shown("bob"), narrow)
    await shop.shield._flights.landed()
    (theirs,) = [key for key in await live_keys(shop) if key != name]
    await client.set(theirs, sealed)

    assert (await other(shop, shown("bob"), narrow)).lease.id != wide.lease.id


async def test_a_replica_with_other_tables_makes_its_own(shop: Shop) -> None:
    """What the other replica decided is not believed: the plan is made again, and has to come to the same policy."""
    first = await shop.shield.vend(shown("bob"), ask())
    making = shop.vending.making
    shield = shop.replica()
    shield.vending = replace(shop.vending, making=replace(making, access=replace(making.access, spelling=())))

    assert (await other(shop, shown("bob"), ask(), shield)).lease.id != first.lease.id


async def test_a_replica_that_died_with_the_turn_holds_nobody_up_for_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "PATIENCE", 0.2)
    busy = Busy.at(shop)
    dying = asyncio.create_task(shop.shield.vend(shown("bob"), ask()))
    await busy.entered.wait()
    shop.store.meanwhile = nothing

    assert (await shop.replica().vend(shown("bob"), ask())).credentials.access_key_id == "AKID2"
    busy.free.set()
    await dying


async def test_a_failed_replica_s_turn_goes_to_who_waits(shop: Shop) -> None:
    busy = Busy.at(shop)
    failing = asyncio.create_task(shop.shield.vend(shown("bob"), ask()))
    await busy.entered.wait()
    waiting = asyncio.create_task(shop.replica().vend(shown("bob"), ask()))
    shop.store.failure, shop.store.meanwhile = StoreUnavailable("away"), nothing
    busy.free.set()
    with pytest.raises(VendError):
        await failing
    shop.store.failure = None

    await waiting
