"""When leases are given on a store and when not, as its state changes, on one replica and on two."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.support.house import Time
from vendor.database import Database
from vendor.errors import StoreRefused, StoreUnavailable, VendError
from vendor.secret import Secret, WebIdentityToken
from vendor.stores.probe.quick import QuickVerdict, State
from vendor.stores.probe.watch import Colour, Watch, watching
from vendor.stores.profile import PROFILES, StoreCheck, StoreKind
from vendor.stores.store import Store, StoreSettings

SOUND = QuickVerdict(State.SOUND)
BROKEN = QuickVerdict(State.BROKEN, "Keys do not write.")
OPEN = QuickVerdict(State.OPEN, "Keys write everywhere.")
AWAY = StoreUnavailable("The store does not answer.")


@dataclass
class Mood:
    """Says of a store what a test wants."""

    now: QuickVerdict | VendError | Exception = SOUND
    tried: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def check(self) -> QuickVerdict:
        self.tried += 1
        await self.gate.wait()
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


class Steps:
    """A sleep that goes on when a test says so, and tells for how long it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._go = asyncio.Semaphore(0)
        self._slept = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self._slept.release()
        await self._go.acquire()

    async def reached(self) -> None:
        """Wait until the watch sleeps."""
        await asyncio.wait_for(self._slept.acquire(), 5)

    async def next(self) -> None:
        """Let the watch look once more, and wait until it sleeps again."""
        self._go.release()
        await self.reached()


@pytest.fixture
async def database(valkey: str) -> AsyncIterator[Database]:
    opened = Database.open(Secret(valkey))
    yield opened
    await opened.close()


def unsigned(**_: object) -> WebIdentityToken:
    raise AssertionError("no keys are asked for here")


@pytest.fixture
def watch_of(database: Database) -> Callable[..., tuple[Watch, Mood, Steps]]:
    clock = Time()
    profile = PROFILES[StoreKind.JUICEFS]
    settings = StoreSettings("default", profile, "http://s", "http://s", "us-east-1", "vendor", policy="p")

    def make(mode: StoreCheck = StoreCheck.ENFORCE) -> tuple[Watch, Mood, Steps]:
        mood, steps = Mood(), Steps()
        mood.gate.set()
        watch = Watch(
            store=Store(settings, unsigned, clock),
            check=mood.check,
            mode=mode,
            every=300,
            database=database,
            prefix="test",
            clock=clock,
            sleep=steps.sleep,
        )
        return watch, mood, steps

    return make


Maker = Callable[..., tuple[Watch, Mood, Steps]]


def shows(watch: Watch) -> Colour:
    return watch.light.colour


async def refused(asked: Awaitable[None]) -> str:
    with pytest.raises(StoreRefused) as caught:
        await asked
    assert "vendor probe" in caught.value.remedy
    return caught.value.message


async def test_the_first_asks_try_the_store_once(watch_of: Maker) -> None:
    watch, mood, _ = watch_of()
    mood.gate.clear()
    asks = [asyncio.create_task(watch.admit()) for _ in range(20)]
    await asyncio.sleep(0)
    assert shows(watch) == Colour.RED
    mood.gate.set()
    await asyncio.gather(*asks)

    assert mood.tried == 1
    assert shows(watch) == Colour.GREEN
    await watch.admit()
    assert mood.tried == 1


async def test_a_store_that_is_away_at_the_start_is_unavailable_until_it_answers(watch_of: Maker) -> None:
    watch, mood, _ = watch_of()
    mood.now = AWAY
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await watch.admit()
    assert shows(watch) == Colour.RED
    mood.now = SOUND
    await watch.admit()
    assert shows(watch) == Colour.GREEN
    assert (watch.counters.away, watch.counters.sound) == (2, 1)


@pytest.mark.parametrize("verdict", [OPEN, BROKEN], ids=["open", "broken"])
async def test_a_store_that_is_not_sound_at_the_start_gives_no_leases(watch_of: Maker, verdict: QuickVerdict) -> None:
    watch, mood, steps = watch_of()
    mood.now = verdict
    assert verdict.reason in await refused(watch.admit())
    assert (watch.light.colour, watch.light.reason) == (Colour.RED, verdict.reason)
    assert mood.tried == 1
    assert watch.counters.refused_leases == 1

    async with watching([watch]):
        await steps.reached()
        mood.now = SOUND
        await steps.next()
    await watch.admit()
    assert shows(watch) == Colour.GREEN


async def test_a_store_that_opens_later_gives_no_leases_but_the_gateway_stays_up(watch_of: Maker) -> None:
    watch, mood, steps = watch_of()
    async with watching([watch]):
        await steps.reached()
        mood.now = OPEN
        await steps.next()
        assert OPEN.reason in await refused(watch.admit())
        assert (watch.light.colour, watch.light.reason) == (Colour.AMBER, OPEN.reason)
        mood.now = SOUND
        await steps.next()
        await watch.admit()
        assert shows(watch) == Colour.GREEN
    assert (watch.counters.sound, watch.counters.open) == (2, 1)


async def test_a_store_that_breaks_later_is_amber_and_goes_on(watch_of: Maker) -> None:
    watch, mood, steps = watch_of()
    async with watching([watch]):
        await steps.reached()
        mood.now = BROKEN
        await steps.next()
        await watch.admit()
        assert shows(watch) == Colour.AMBER


async def test_a_store_that_goes_away_later_is_not_judged(watch_of: Maker) -> None:
    watch, mood, steps = watch_of()
    async with watching([watch]):
        await steps.reached()
        mood.now = AWAY
        await steps.next()
        await watch.admit()
        assert shows(watch) == Colour.GREEN
        assert watch.counters.away == 1


async def test_a_warning_keeps_nobody_from_leases(watch_of: Maker) -> None:
    watch, mood, steps = watch_of(StoreCheck.WARN)
    mood.now = OPEN
    assert shows(watch) == Colour.GREEN
    async with watching([watch]):
        await steps.reached()
        await watch.admit()
        assert shows(watch) == Colour.AMBER


async def test_off_does_not_look(watch_of: Maker) -> None:
    watch, mood, _ = watch_of(StoreCheck.OFF)
    async with watching([watch]):
        await watch.admit()
        await asyncio.sleep(0)
    assert mood.tried == 0
    assert shows(watch) == Colour.GREEN


async def test_one_replica_at_a_time_looks_and_the_other_hears_of_it(watch_of: Maker) -> None:
    (one, mood, steps), (other, other_mood, other_steps) = watch_of(), watch_of()
    async with watching([one]), watching([other]):
        await steps.reached()
        await other_steps.reached()
        assert isinstance(one.clock, Time)
        one.clock.now += 300
        mood.now = OPEN
        await steps.next()
        assert mood.tried == 2
        await other_steps.next()
        assert other_mood.tried == 1
        assert OPEN.reason in await refused(other.admit())
        await other_steps.next()  # now it looks for itself, and nothing is wrong any more
        assert other_mood.tried == 2
        await other.admit()


async def test_old_news_is_not_believed(watch_of: Maker) -> None:
    (one, mood, steps), (other, _, other_steps) = watch_of(), watch_of()
    async with watching([one]):
        await steps.reached()
        mood.now = OPEN
        await steps.next()
    assert isinstance(one.clock, Time)
    one.clock.now += 10
    async with watching([other]):
        await other_steps.reached()  # it has just looked for itself
        await other_steps.next()
        await other.admit()


async def test_it_looks_often_while_the_store_is_not_sound_and_seldom_then(watch_of: Maker) -> None:
    watch, mood, steps = watch_of()
    mood.now = AWAY
    async with watching([watch]):
        await steps.reached()
        for _ in range(12):
            await steps.next()
        assert steps.asked[0] == pytest.approx(0.2)
        assert steps.asked == sorted(steps.asked)
        assert steps.asked[-1] == 5.0
        mood.now = SOUND
        await steps.next()
        assert 240 <= steps.asked[-1] <= 360


async def test_it_goes_on_after_a_mistake(watch_of: Maker) -> None:
    watch, mood, steps = watch_of()
    mood.now = ValueError("a mistake of ours")
    async with watching([watch]):
        await steps.reached()
        mood.now = SOUND
        await steps.next()
        assert shows(watch) == Colour.GREEN
