"""Commands that travel together: each sender has its own answer, and a broken connection is everybody's."""

import asyncio

import pytest
import redis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tests.support.waiting import reached
from vendor.redis_together import Together


async def _open(url: str) -> tuple[Redis, Together]:
    client = Redis.from_url(url, decode_responses=True, protocol=2)
    return client, Together(client, 2.0, asyncio.Semaphore(64))


async def test_each_sender_has_its_own_answer_or_refusal(valkey: str) -> None:
    client, together = await _open(valkey)
    await client.set("together:text", "x")

    sent = [together.send("ECHO", str(number)) for number in range(5)]
    answers = await asyncio.gather(*sent, together.send("INCR", "together:text"), return_exceptions=True)
    after = await together.send("GET", "together:text")
    await client.aclose()

    assert answers[:5] == ["0", "1", "2", "3", "4"]
    assert isinstance(answers[5], ResponseError)
    assert after == "x"


async def test_those_of_one_turn_take_one_connection(valkey: str) -> None:
    client, together = await _open(valkey)

    ids = await asyncio.gather(*(together.send("CLIENT", "ID") for _ in range(20)))
    await client.aclose()

    assert len(set(ids)) == 1


async def test_one_who_goes_away_takes_nobody_along(valkey: str) -> None:
    client, together = await _open(valkey)

    gone, stays = asyncio.ensure_future(together.send("ECHO", "a")), asyncio.ensure_future(together.send("ECHO", "b"))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == "b"
    assert await together.send("ECHO", "c") == "c"
    await client.aclose()


async def test_what_cannot_be_sent_is_told_to_its_sender_alone(valkey: str) -> None:
    client, together = await _open(valkey)

    sent = [together.send("ECHO", "\ud800"), together.send("ECHO", "é"), together.send("ECHO", 2.5)]
    refused, *answers = await asyncio.gather(*sent, return_exceptions=True)
    await client.aclose()

    assert isinstance(refused, UnicodeEncodeError)
    assert answers == ["é", "2.5"]


async def test_no_more_batches_are_under_way_than_may_be_and_waiting_has_an_end(valkey: str) -> None:
    client, _ = await _open(valkey)
    together = Together(client, 1.0, asyncio.Semaphore(1))

    first = asyncio.ensure_future(together.send("BLPOP", "together:nothing", "0.3"))
    for _ in range(3):  # until it is on its way, so that the next is none of its batch
        await asyncio.sleep(0)
    assert await together.send("ECHO", "b") == "b"
    assert first.done()

    impatient = Together(client, 0.05, held := asyncio.Semaphore(1))
    async with held:
        with pytest.raises(TimeoutError):
            await impatient.send("ECHO", "a")
    assert await impatient.send("ECHO", "a") == "a"
    await client.aclose()


async def test_late_answers_are_nobody_elses(valkey: str) -> None:
    client, together = await _open(valkey)
    impatient = Together(client, 0.05, asyncio.Semaphore(64))

    with pytest.raises(TimeoutError):
        await impatient.send("BLPOP", "together:nothing", "1")

    assert await asyncio.gather(*(together.send("ECHO", str(number)) for number in range(3))) == ["0", "1", "2"]
    await client.aclose()


async def test_a_broken_connection_is_told_to_all_who_were_on_it_and_to_nobody_else(valkey: str) -> None:
    client, together = await _open(valkey)
    sent = [together.send("BLPOP", "together:nothing", "5"), together.send("ECHO", "a")]

    with redis.Redis.from_url(valkey, socket_timeout=5) as other:
        waiting = asyncio.gather(*sent, return_exceptions=True)
        await reached(lambda: other.info("clients")["blocked_clients"] == 1)
        other.client_kill_filter(_type="normal", skipme=True)

    assert [type(one) for one in await waiting] == [RedisConnectionError] * 2
    assert await together.send("ECHO", "b") == "b"
    await client.aclose()
