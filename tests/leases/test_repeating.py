"""Repeated asks for the keys of one lease, on governance in a real Valkey and with a store that counts its calls."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask
from vendor.audit.event import Origin
from vendor.errors import InvalidToken, LeaseEnded, StateUnavailable, StoreUnavailable, VendError
from vendor.leases.live import Live
from vendor.leases.repeating import PATIENCE, Repeating
from vendor.names import TenantName, UserName
from vendor.policy.grant import Level
from vendor.secret import LeaseToken, RawToken
from vendor.stewardship.tenants import Metadata
from vendor.times import parse_rfc3339

FROM = Origin("r_test", "container")


@dataclass
class Desk:
    """Replicas that answer repeated asks, and the token of one lease of alice's on her tenant's data."""

    shop: Shop
    token: LeaseToken
    replicas: list[Repeating]

    async def current(self, replica: int = 0, token: str | None = None) -> Live:
        return await self.replicas[replica].current(RawToken(token or self.token.reveal()), FROM)

    @property
    def calls(self) -> int:
        """How often the store was asked."""
        return len(self.shop.store.orders)

    def later(self, seconds: float) -> None:
        self.shop.house.clock.now += seconds


def replica_of(shop: Shop) -> Repeating:
    house = shop.house
    return Repeating(shop.renewing, house.database, "vendor", "{vendor}:rev")


async def desk_of(shop: Shop, *, duration: int = 3600, renewable_for: int = 90_000) -> Desk:
    asked = ask((KBASE_DATA, Level.WRITE), duration=duration, renewable_for=renewable_for)
    issued = await shop.vending.vend(caller("alice"), asked)
    assert issued.token is not None
    return Desk(shop, issued.token, [replica_of(shop), replica_of(shop)])


@pytest.fixture
async def desk(shop: Shop) -> Desk:
    return await desk_of(shop)


async def test_the_first_keys_of_a_lease_are_given_again_by_every_replica(desk: Desk) -> None:
    given = [await desk.current(replica) for replica in (0, 1, 0, 1)]

    assert {live.credentials.access_key_id for live in given} == {"AKID1"}
    assert {live.credentials.session_token.reveal() for live in given} == {"st-1"}
    assert desk.calls == 1


async def test_nothing_in_redis_holds_the_keys(desk: Desk) -> None:
    await desk.current()
    kept = await desk.shop.house.database._client.keys("*")
    texts = [str(await desk.shop.house.database._client.dump(key)) for key in kept if "sealed" in key]

    assert len(texts) == 1
    assert not any(secret in text for text in texts for secret in ("sk-1", "st-1", "AKID1"))
    assert (
        3500
        < await desk.shop.house.database._client.expiretime(next(key for key in kept if "sealed" in key))
        - desk.shop.house.clock.now
        <= 3600
    )


async def test_fresh_keys_are_made_when_half_of_their_life_is_over(desk: Desk) -> None:
    desk.later(1799)
    assert (await desk.current()).credentials.access_key_id == "AKID1"
    desk.later(2)
    given = [await desk.current(replica) for replica in (0, 1, 1, 0)]

    assert [live.credentials.access_key_id for live in given] == ["AKID2"] * 4
    assert desk.calls == 2


async def test_a_herd_makes_one_renewal(desk: Desk) -> None:
    desk.later(2000)

    given = await asyncio.gather(*(desk.current(number % 2) for number in range(60)))

    assert {live.credentials.access_key_id for live in given} <= {"AKID1", "AKID2"}
    assert desk.calls == 2


@pytest.mark.parametrize(("asked", "given"), [(900, 1800), (1799, 1800), (1800, 1800), (3600, 3600), (20, 20)])
async def test_keys_for_sdks_last_long_enough_to_be_used(shop: Shop, asked: int, given: int) -> None:
    """Keys of 900 s or less make boto3 ask at every call; shorter ones are for development, and left alone."""
    desk = await desk_of(shop, duration=asked)

    keys = [await desk.current(number % 2) for number in range(10)]

    assert {round(live.expires_at - live.issued_at) for live in keys} == {given}
    assert desk.calls == (2 if given > asked else 1)


async def test_an_ended_lease_gives_nothing_from_that_moment_on(desk: Desk) -> None:
    live = await desk.current()
    await desk.shop.ending.end(caller("alice"), live.lease)

    for replica in (0, 1):
        with pytest.raises(LeaseEnded):
            await desk.current(replica)
    assert desk.calls == 1


async def test_a_lease_that_ends_while_it_is_renewed_gives_nothing(desk: Desk) -> None:
    live = await desk.current()
    desk.later(2000)

    async def end() -> None:
        await desk.shop.ending.end(caller("alice"), live.lease)

    desk.shop.store.meanwhile = end
    with pytest.raises(LeaseEnded):
        await desk.current()


async def test_what_was_taken_away_is_not_given_again(desk: Desk) -> None:
    await desk.current()
    await desk.shop.house.members.remove(caller("carol", admin=True), KBASE, UserName("alice"), revision=None)

    for replica in (0, 1):
        with pytest.raises(VendError) as refused:
            await desk.current(replica)
        assert refused.value.status == 403


async def test_other_changes_cost_one_more_look_and_no_call(desk: Desk) -> None:
    await desk.current()
    await desk.shop.house.users.standing(caller("erin"))
    await desk.shop.house.tenants.put(
        caller("carol", admin=True), TenantName("hydro"), Metadata("Hydro"), revision=None
    )

    assert (await desk.current()).credentials.access_key_id == "AKID1"
    assert (await desk.current(1)).credentials.access_key_id == "AKID1"
    assert desk.calls == 1


async def test_keys_at_hand_are_given_while_the_store_is_away(desk: Desk) -> None:
    desk.later(2000)
    desk.shop.store.failure = StoreUnavailable("away")
    given = [await desk.current() for _ in range(5)]

    assert {live.credentials.access_key_id for live in given} == {"AKID1"}
    assert desk.calls == 2, "one try, and then a rest"

    desk.later(1600)
    with pytest.raises(StoreUnavailable):
        await desk.current(1)
    desk.shop.store.failure = None
    assert (await desk.current(1)).credentials.access_key_id.startswith("AKID")


async def test_keys_at_hand_are_given_while_the_store_takes_its_time(desk: Desk) -> None:
    desk.later(2000)
    released = asyncio.Event()

    async def wait() -> None:
        await released.wait()

    desk.shop.store.meanwhile = wait
    async with asyncio.timeout(PATIENCE + 0.6):
        assert (await desk.current()).credentials.access_key_id == "AKID1"
    released.set()
    given = [await desk.current() for _ in range(3)]
    assert given[-1].credentials.access_key_id == "AKID2"
    assert desk.calls == 2


async def test_the_last_keys_of_a_lease_are_given_to_its_end(shop: Shop) -> None:
    desk = await desk_of(shop, duration=60, renewable_for=62)
    desk.later(40)
    for _ in range(5):
        await desk.current()
    assert desk.calls == 2
    desk.later(19)
    assert (await desk.current()).is_good(desk.shop.house.clock())
    desk.later(4)
    with pytest.raises(LeaseEnded):
        await desk.current()


@pytest.mark.parametrize("change", [-1, 10])
async def test_a_token_of_the_right_form_with_other_bits_opens_nothing(desk: Desk, change: int) -> None:
    text = desk.token.reveal()
    forged = text[:change] + ("A" if text[change] != "A" else "B") + (text[change + 1 :] if change != -1 else "")
    await desk.current()

    with pytest.raises(InvalidToken):
        await desk.current(0, forged)


async def test_without_redis_there_are_no_keys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.current()

    async def away(*_: object) -> object:
        raise StateUnavailable("away")

    monkeypatch.setattr(type(desk.shop.house.database), "glance", away)
    with pytest.raises(StateUnavailable):
        await desk.current()


async def test_asks_side_by_side_share_their_looks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.current()
    looks = 0
    glance = type(desk.shop.house.database).glance

    async def counted(*arguments: object) -> object:
        nonlocal looks
        looks += 1
        return await glance(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(type(desk.shop.house.database), "glance", counted)
    await asyncio.gather(*(desk.current() for _ in range(100)))

    assert looks <= 3


async def test_shorter_keys_do_not_hide_when_the_longer_ones_end(shop: Shop) -> None:
    """A lease that is ended says when the last of its keys stop, also if the newest end before."""
    desk = await desk_of(shop, duration=3600)
    lease = (await desk.current()).lease
    kept = await shop.renewing.open(RawToken(desk.token.reveal()))
    await shop.renewing.renew_opened(kept, ask((KBASE_DATA, Level.READ), duration=60), FROM)

    ended = await shop.ending.end(caller("alice"), lease)

    assert parse_rfc3339(ended.at_latest) >= shop.house.clock() + 3599
