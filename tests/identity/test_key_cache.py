"""Keys of an issuer over time: rotation, removal, outages, floods, and several replicas."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.identity.world.minting import Signer, ec_signer
from vendor.errors import IdentityProviderUnavailable
from vendor.identity import key_cache
from vendor.identity.cooldown import LocalCooldown
from vendor.identity.fetch import FetchFailed
from vendor.identity.issuer import OwnIssuer
from vendor.identity.jwk import VerifyingKeys, parse_key_set
from vendor.identity.key_cache import Braking, KeyCache
from vendor.identity.key_exchange import FRESH_SECONDS, KeyExchange
from vendor.strict_json import parse_object

REFRESH = 300.0
URL = "https://idp.example"
SHARED = f"idp {URL}"


class Time:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Idp:
    """What an identity provider publishes at the moment; counts how often it is read."""

    def __init__(self, *keys: Signer) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.down = False
        self.gate: asyncio.Event | None = None

    async def read(self) -> bytes:
        self.reads += 1
        published = list(self.keys)  # as it was when the question arrived
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise FetchFailed("it is down")
        import json

        return json.dumps({"keys": [key.jwk() for key in published]}).encode()

    def parse(self, document: bytes) -> VerifyingKeys:
        try:
            return parse_key_set(parse_object(document), ["ES256"])
        except ValueError as problem:
            raise FetchFailed(str(problem)) from None


ONE, TWO, THREE = (ec_signer(name) for name in ("k1", "k2", "k3"))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def idp() -> Idp:
    return Idp(ONE)


Caches = Callable[..., KeyCache]


@pytest.fixture
def cache_of(idp: Idp, time: Time) -> Caches:
    def make(**more: Any) -> KeyCache:
        braking = Braking(more.get("cooldown") or LocalCooldown(time), more.get("exchange"))
        return KeyCache(idp, name="idp", url=URL, refresh_seconds=REFRESH, braking=braking, clock=time, monotonic=time)

    return make


async def settle() -> None:
    """Let background reads finish."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nothing_is_read_before_it_is_needed(cache_of: Caches, idp: Idp) -> None:
    cache = cache_of()
    assert idp.reads == 0
    assert await cache.find("k1")
    assert await cache.find("k1")
    assert idp.reads == 1


async def test_a_thousand_unknown_names_cost_one_read_a_minute(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    for minute in range(1, 4):
        for number in range(1000):
            assert await cache.find(f"invented-{minute}-{number}") is None
        assert idp.reads == 1 + minute
        time.now += 60


async def test_a_flood_at_once_costs_one_read(cache_of: Caches, idp: Idp) -> None:
    cache = cache_of()
    found = await asyncio.gather(*(cache.find(f"invented-{number}") for number in range(500)))
    assert set(found) == {None}
    assert idp.reads <= 2


async def test_a_new_key_works_at_once_for_everyone_who_waits(cache_of: Caches, idp: Idp) -> None:
    cache = cache_of()
    await cache.find("k1")
    idp.keys = [TWO, ONE]
    assert all(await asyncio.gather(*(cache.find("k2") for _ in range(100))))
    assert idp.reads == 2


async def test_a_read_that_began_before_the_rotation_does_not_count(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    time.now += REFRESH + 1
    idp.gate = asyncio.Event()
    assert await cache.find("k1")  # starts a read in the background, which has seen only k1
    await settle()
    idp.keys = [TWO]
    waiting = asyncio.create_task(cache.find("k2"))
    await settle()
    idp.gate.set()
    idp.gate = None
    assert await waiting


async def test_a_removed_key_is_refused_within_the_documented_time(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    idp.keys = [TWO]
    time.now += REFRESH - 1
    assert await cache.find("k1")
    time.now += 2
    assert await cache.find("k1")  # reads in the background
    await settle()
    assert await cache.find("k1") is None


async def test_after_a_pause_a_removed_key_is_refused_at_once(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    idp.keys = [TWO]
    time.now += REFRESH + 61
    assert await cache.find("k1") is None


async def test_an_outage_changes_nothing_for_a_day(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    idp.down = True
    for _ in range(23):
        time.now += 3600
        assert await cache.find("k1")
    time.now += 2 * 3600
    with pytest.raises(IdentityProviderUnavailable) as refused:
        await cache.find("k1")
    assert refused.value.retry_after == 10
    idp.down = False
    time.now += 10
    assert await cache.find("k1")


async def test_an_outage_is_not_asked_about_all_the_time(cache_of: Caches, idp: Idp, time: Time) -> None:
    idp.down = True
    cache = cache_of()
    for _ in range(50):
        with pytest.raises(IdentityProviderUnavailable):
            await cache.find("k1")
    assert idp.reads == 1
    time.now += 10
    idp.down = False
    assert await cache.find("k1")
    assert idp.reads == 2


async def test_an_empty_set_is_never_kept(cache_of: Caches, idp: Idp, time: Time) -> None:
    cache = cache_of()
    await cache.find("k1")
    idp.keys = []
    time.now += REFRESH + 61
    assert await cache.find("k1")
    assert await cache.find("unknown") is None
    assert await cache.find("k1")


async def test_a_caller_that_goes_away_does_not_stop_the_read(cache_of: Caches, idp: Idp) -> None:
    idp.gate = asyncio.Event()
    cache = cache_of()
    first, second = asyncio.create_task(cache.find("k1")), asyncio.create_task(cache.find("k1"))
    await settle()
    first.cancel()
    idp.gate.set()
    assert await second
    assert idp.reads == 1


async def test_the_wall_clock_does_not_matter_for_ages(idp: Idp) -> None:
    wall, steady = Time(), Time()
    braking = Braking(LocalCooldown(steady))
    cache = KeyCache(idp, name="idp", url=URL, refresh_seconds=REFRESH, braking=braking, clock=wall, monotonic=steady)
    await cache.find("k1")
    wall.now -= 100_000
    assert await cache.find("k1")
    wall.now += 900_000
    assert await cache.find("k1")
    assert idp.reads == 1


async def test_closing_stops_a_read(cache_of: Caches, idp: Idp) -> None:
    idp.gate = asyncio.Event()
    cache = cache_of()
    waiting = asyncio.create_task(cache.find("k1"))
    await settle()
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# Several replicas ---------------------------------------------------------------------------------------------------


class Blackboard:
    """What replicas share, as Redis does."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.texts: dict[str, tuple[float, str]] = {}
        self.down = False

    async def put(self, name: str, text: str, seconds: int) -> None:
        self._check()
        self.texts[name] = (self.time() + seconds, text)

    async def get(self, name: str) -> str | None:
        self._check()
        ends, text = self.texts.get(name, (0.0, ""))
        return text if self.time() < ends else None

    def _check(self) -> None:
        if self.down:
            raise ConnectionError


class DownCooldown:
    async def try_acquire(self, name: str, seconds: int) -> bool:
        raise ConnectionError


@pytest.fixture
def board(time: Time) -> Blackboard:
    return Blackboard(time)


@pytest.fixture
def exchange(board: Blackboard, time: Time, tmp_path: Any) -> KeyExchange:
    issuer = OwnIssuer.open(url="https://v.example", keys_folder=tmp_path / "keys", key_pem=None, clock=time)
    return KeyExchange(board, issuer, time)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to wait for long in these tests; the steps are what counts."""
    monkeypatch.setattr(key_cache, "WAIT_STEP_SECONDS", 0.005)


async def test_replicas_share_the_brake(cache_of: Caches, idp: Idp, time: Time) -> None:
    brake = LocalCooldown(time)
    caches = [cache_of(cooldown=brake) for _ in range(4)]
    for cache in caches:
        await cache.find("k1")
    reads = idp.reads
    for number in range(50):
        for cache in caches:
            assert await cache.find(f"invented-{number}") is None
    assert idp.reads == reads + 1


async def test_replicas_learn_a_new_key_from_the_one_that_reads(
    cache_of: Caches, idp: Idp, time: Time, exchange: KeyExchange
) -> None:
    brake = LocalCooldown(time)
    caches = [cache_of(cooldown=brake, exchange=exchange) for _ in range(4)]
    for cache in caches:
        await cache.find("k1")
    time.now += 5
    idp.keys = [TWO, ONE]
    reads = idp.reads
    for cache in caches:
        assert await cache.find("k2")
    assert idp.reads == reads + 1


async def test_a_replica_waits_for_the_one_that_reads(
    cache_of: Caches, idp: Idp, time: Time, exchange: KeyExchange
) -> None:
    brake = LocalCooldown(time)
    one, two = (cache_of(cooldown=brake, exchange=exchange) for _ in range(2))
    await one.find("k1")
    await two.find("k1")
    time.now += 5
    idp.keys, idp.gate = [TWO], asyncio.Event()
    first = asyncio.create_task(one.find("k2"))
    await settle()
    second = asyncio.create_task(two.find("k2"))
    await asyncio.sleep(0.05)
    assert not second.done()
    idp.gate.set()
    assert await first
    assert await second


async def test_a_forged_or_stale_key_set_is_not_taken(
    cache_of: Caches, idp: Idp, time: Time, board: Blackboard, exchange: KeyExchange, tmp_path: Any
) -> None:
    stranger = OwnIssuer.open(url="https://v.example", keys_folder=tmp_path / "others", key_pem=None, clock=time)
    forged = await Idp(THREE).read()
    cache = cache_of(cooldown=LocalCooldown(time), exchange=exchange)
    await cache.find("k1")
    assert await cache.find("warm-up") is None  # takes the slot, so that from now on it may only listen
    time.now += 1

    await KeyExchange(board, stranger, time).offer(SHARED, forged)
    assert await cache.find("k3") is None
    await exchange.offer("another-issuer", forged)
    board.texts[f"jwks:{SHARED}"] = board.texts["jwks:another-issuer"]
    assert await cache.find("k3") is None
    for text in ("", "=", "AAAA", base64.b64encode(b"x" * 40).decode()):
        board.texts[f"jwks:{SHARED}"] = (time() + 60, text)
        assert await cache.find("k3") is None

    await exchange.offer(SHARED, forged)
    kept = board.texts[f"jwks:{SHARED}"][1]
    assert await exchange.take(SHARED, newer_than=time() + 1) is None
    time.now += 2 * FRESH_SECONDS + 1
    board.texts[f"jwks:{SHARED}"] = (time() + 60, kept)
    assert await exchange.take(SHARED, newer_than=0) is None


async def test_what_is_older_than_ones_own_is_not_taken(cache_of: Caches, time: Time, exchange: KeyExchange) -> None:
    await exchange.offer(SHARED, await Idp(THREE).read())
    time.now += 1
    cache = cache_of(cooldown=await _busy(time), exchange=exchange)
    assert await cache.find("k1")
    assert await cache.find("k3") is None
    time.now += 1
    await exchange.offer(SHARED, await Idp(THREE).read())
    assert await cache.find("k3")


async def test_without_the_shared_place_every_replica_brakes_by_itself(
    cache_of: Caches, idp: Idp, time: Time, board: Blackboard, exchange: KeyExchange
) -> None:
    board.down = True
    cache = cache_of(cooldown=DownCooldown(), exchange=exchange)
    await cache.find("k1")
    idp.keys = [TWO]
    assert await cache.find("k2")
    for number in range(100):
        assert await cache.find(f"invented-{number}") is None
    assert idp.reads == 2
    taken = cache_of(cooldown=await _busy(time), exchange=exchange)
    await taken.find("k2")
    assert await taken.find("k9") is None


async def _busy(time: Time) -> LocalCooldown:
    brake = LocalCooldown(time)
    await brake.try_acquire(f"jwks:{SHARED}", 60)
    return brake
