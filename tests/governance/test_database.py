"""The client of Redis under pressure: it waits for its turn, gives up in time, can be cancelled, and recovers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
import redis

from tests.support.parts import Parts
from tests.support.waiting import reached
from vendor.database import Database, Script
from vendor.dev.valkey import Valkey, start_valkey
from vendor.errors import StateUnavailable
from vendor.redis_address import ANSWER_SECONDS, MAX_CONNECTIONS
from vendor.secret import Secret

ONE = Script("return 1")


@pytest.fixture
async def database(valkey: str) -> AsyncIterator[Database]:
    opened = Database.open(Secret(valkey))
    yield opened
    await opened.close()


async def test_more_at_once_than_there_are_connections(database: Database) -> None:
    calls = (database.run(ONE, ["k"], [], repeatable=True) for _ in range(5 * MAX_CONNECTIONS))

    assert set(await asyncio.gather(*calls)) == {1}


async def test_a_call_can_be_cancelled_at_any_moment(database: Database) -> None:
    async def call_for_ever() -> None:
        while True:
            await database.run(ONE, ["k"], [], repeatable=True)

    for _ in range(40):
        calling = asyncio.create_task(call_for_ever())
        await asyncio.sleep(random.uniform(0, 0.005))
        calling.cancel()
        done, _ = await asyncio.wait([calling], timeout=5)
        assert done, "the cancellation was lost"
    assert await database.run(ONE, ["k"], [], repeatable=True) == 1


async def test_a_silent_server_is_given_up_in_time_and_found_again(database: Database, valkey_server: Valkey) -> None:
    assert await database.run(ONE, ["k"], [], repeatable=True) == 1
    valkey_server.child.freeze()
    began = time.monotonic()
    try:
        calls = (database.run(ONE, ["k"], [], repeatable=True) for _ in range(2 * MAX_CONNECTIONS))
        found = await asyncio.gather(*calls, return_exceptions=True)
    finally:
        valkey_server.child.thaw()

    assert {type(one) for one in found} == {StateUnavailable}
    assert time.monotonic() - began < 2 * ANSWER_SECONDS
    assert await database.run(ONE, ["k"], [], repeatable=True) == 1


async def test_once_closed_it_opens_no_connection(valkey_server: Valkey, valkey: str) -> None:
    """Not even for what was asked before, and would be tried again."""
    database = Database.open(Secret(valkey))
    assert await database.run(ONE, ["k"], [], repeatable=True) == 1
    pool = database._client.connection_pool
    valkey_server.child.freeze()
    try:
        asked = asyncio.create_task(database.run(ONE, ["k"], [], repeatable=True))
        await reached(lambda: bool(pool._in_use_connections))
        await database.close()
    finally:
        valkey_server.child.thaw()

    with pytest.raises(StateUnavailable):
        await asked
    assert not any(one.is_connected for one in [*pool._available_connections, *pool._in_use_connections])


async def test_no_failure_tells_the_password(valkey_server: Valkey) -> None:
    wrong = Database.open(Secret(valkey_server.url.replace(valkey_server.password, "wrong-word")))

    with pytest.raises(StateUnavailable) as refusal:
        await wrong.ping()

    assert "wrong-word" not in str(refusal.value) + refusal.value.message
    await wrong.close()


async def test_a_replica_is_no_place_to_write(database: Database, valkey: str) -> None:
    await database._client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(StateUnavailable):
            await database.ping()
        with pytest.raises(StateUnavailable):
            await database.append("stream", {"event": "{}"})
    finally:
        await database._client.execute_command("REPLICAOF", "NO", "ONE")
    await database.ping()


async def test_a_redis_that_still_reads_its_data_is_not_there_yet(parts: Parts) -> None:
    """It answers INFO long before anything else."""
    server = start_valkey(parts.folder, parts.children, name="valkey-reading")
    with redis.Redis.from_url(server.url) as client:
        client.mset({f"key-{number}": "x" for number in range(3000)})
        client.bgrewriteaof()
        deadline = time.monotonic() + 10
        while client.info("persistence")["aof_rewrite_in_progress"]:
            assert time.monotonic() < deadline
        # So much for each key, and so often a look at who is asking.
        for setting, value in (("key-load-delay", 1000), ("loading-process-events-interval-bytes", 1024)):
            client.config_set(setting, value)
        client.config_rewrite()
    server.child.stop(kill=True)
    server.child.restart()

    database, found = Database.open(Secret(server.url)), set()
    deadline = time.monotonic() + 30
    while "" not in found:
        assert time.monotonic() < deadline
        try:
            await database.ping()
            found.add("")
        except StateUnavailable as problem:
            found.add(problem.message)
    await database.close()

    assert found == {"", "Redis is reading its data."} | {message for message in found if "does not answer" in message}
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 3000
    server.child.stop()
