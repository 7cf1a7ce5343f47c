"""How often one identity may ask: on all replicas together, apart from all others, and cheaply refused."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.callers import caller
from tests.support.shop import KBASE_DATA, NO_LIMIT, Shop, ask
from vendor.audit.event import Origin
from vendor.errors import TooManyRequests
from vendor.leases.lease import LeaseAsk
from vendor.leases.shield import limits
from vendor.leases.shield.gate import Answer, Rate, Says
from vendor.leases.shield.shield import Shield
from vendor.policy.grant import Level
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller

SLOW = Rate(3, 0.02)


def distinct(number: int) -> LeaseAsk:
    """An ask that is like no other."""
    return ask(audit_context={"number": str(number)})


async def vended(shield: Shield, who: Caller, count: int, start: int = 0) -> list[object]:
    return [await tried(shield, who, distinct(start + number)) for number in range(count)]


async def tried(shield: Shield, who: Caller, what: LeaseAsk) -> object:
    try:
        return (await shield.vend(who, what)).lease.id
    except TooManyRequests as refusal:
        return refusal.retry_after


async def test_so_many_at_once_and_then_told_when_to_come_again(shop: Shop) -> None:
    shield = shop.replica(vend=SLOW)
    found = await vended(shield, caller("bob"), 5)

    assert [type(one) for one in found] == [str, str, str, int, int]
    assert 45 <= int(str(found[3])) <= 50
    assert len(shop.store.orders) == 3


async def test_all_replicas_count_together_and_each_identity_and_door_alone(shop: Shop) -> None:
    one, other = shop.replica(vend=SLOW), shop.replica(vend=SLOW)
    await vended(one, caller("bob"), 2)
    assert [type(found) for found in await vended(other, caller("bob"), 2, start=10)] == [str, int]

    assert [type(found) for found in await vended(other, caller("alice"), 1)] == [str]
    bob = caller("bob")
    by_another_door = Caller(bob.principal, Origin(request_id="r_test", door="sts"))
    assert [type(found) for found in await vended(other, by_another_door, 1)] == [str]


async def test_what_is_given_again_costs_nothing(shop: Shop) -> None:
    shield = shop.replica(vend=SLOW)
    for _ in range(20):
        await shield.vend(caller("bob"), ask())
    await asyncio.gather(*(shield.vend(caller("bob"), ask(duration=61)) for _ in range(20)))

    assert type(await tried(shield, caller("bob"), distinct(1))) is str


async def test_renewable_leases_and_renewals_count_too(shop: Shop) -> None:
    shield = shop.replica(vend=SLOW)
    shop.renewing = type(shop.renewing)(**{**_fields(shop.renewing), "limits": shield.limits})
    issued = await shield.vend(caller("bob"), ask((KBASE_DATA, Level.READ), renewable_for=1000))
    assert issued.token is not None
    token = RawToken(issued.token.reveal())
    for _ in range(3):
        await shop.renewing.renew(token, Origin(request_id="r_test", door="api"))
    with pytest.raises(TooManyRequests):
        await shop.renewing.renew(token, Origin(request_id="r_test", door="api"))

    found = [await tried(shield, caller("bob"), ask(renewable_for=1000)) for _ in range(3)]
    assert [type(one) for one in found] == [str, str, int], "renewals have an allowance of their own"


async def test_it_fills_up_again(shop: Shop) -> None:
    shield = shop.replica(vend=Rate(1, 20.0))
    await shield.vend(caller("bob"), distinct(0))
    assert type(await tried(shield, caller("bob"), distinct(1))) is int
    shield.limits.monotonic = lambda: 0.0  # refusals are not remembered, so Redis itself is asked
    async with asyncio.timeout(5):
        while type(await tried(shield, caller("bob"), distinct(2))) is int:
            shield.limits._refusals.clear()


async def test_a_flood_of_refused_asks_costs_neither_redis_nor_the_audit_log(shop: Shop) -> None:
    shield = shop.replica(vend=SLOW)
    await vended(shield, caller("bob"), 3)
    assert type(await tried(shield, caller("bob"), distinct(3))) is int
    before = await commands(shop)
    shield.limits.gate = None  # type: ignore[assignment]  # it is not asked any more
    found = await vended(shield, caller("bob"), 200, start=4)

    assert {type(one) for one in found} == {int}
    spent = await commands(shop)
    assert (spent.get("evalsha"), spent.get("xadd")) == (before.get("evalsha"), before.get("xadd"))
    denied = [event for event in await shop.house.recorded() if event.get("reason") == "too_many_requests"]
    assert [(event["kind"], event["limit"], event["refusals"]) for event in denied] == [("vend.denied", "vend:test", 1)]


async def test_redis_is_not_asked_again_before_the_second_is_over_that_the_caller_was_told(shop: Shop) -> None:
    """However fast the bucket fills; what came free in that second is there afterwards."""
    shield = shop.replica(vend=Rate(50, 50.0))
    now, asked = [0.0], []
    shield.limits.monotonic = lambda: now[0]

    async def enter(_who: str, bucket: str, *_: Any, **__: Any) -> Answer:
        asked.append(bucket)
        return Answer(Says.LIMITED, wait_ms=20)

    shield.limits.gate = cast(Any, SimpleNamespace(enter=enter))
    assert await tried(shield, caller("bob"), distinct(0)) == 1
    now[0] += 0.9
    assert set(await vended(shield, caller("bob"), 100, start=1)) == {1}
    assert len(asked) == 1

    now[0] += 0.2
    await tried(shield, caller("bob"), distinct(101))
    assert len(asked) == 2


async def test_refusals_are_summed_up_from_time_to_time(shop: Shop) -> None:
    shield = shop.replica(vend=SLOW)
    now = [0.0]
    shield.limits.monotonic = lambda: now[0]
    await vended(shield, caller("bob"), 10)
    now[0] += limits.TOLD_EVERY
    shop.house.clock.now += limits.TOLD_EVERY
    await vended(shield, caller("bob"), 1, start=20)

    denied = [event for event in await shop.house.recorded() if event.get("reason") == "too_many_requests"]
    assert [event["refusals"] for event in denied] == [1, 7]


async def test_naming_others_is_limited_by_how_many_are_named(shop: Shop) -> None:
    shield = shop.replica(vend=NO_LIMIT)
    shield.limits.share = Rate(10, 0.01)
    await shield.limits.sharing(caller("bob"), 6)
    with pytest.raises(TooManyRequests):
        await shield.limits.sharing(caller("bob"), 6)
    await shield.limits.sharing(caller("alice"), 100)  # more than ever fits takes all there is


async def test_the_memory_of_refusals_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 2)
    shield = shop.replica(vend=Rate(1, 0.01))
    for name in ("alice", "bob", "dave", "carol"):
        await vended(shield, caller(name), 2)

    assert len(shield.limits._refusals) == 2
    assert shield.limits.refused == 4


def _fields(what: Any) -> dict[str, Any]:
    return {name: getattr(what, name) for name in what.__dataclass_fields__}


async def commands(shop: Shop) -> dict[str, int]:
    stats = await shop.house.database._client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(found["calls"]) for name, found in stats.items()}
