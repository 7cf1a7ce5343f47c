"""Redis as the project uses it: one pooled client, scripts by their digest, and one error for all its failures.

Scripts that are asked for in the same turn of the event loop go to Redis together, over one connection.

Nothing here retries a write: a write that timed out may have happened, and only the caller knows what that means.
Reads and scripts that say `repeatable` are tried once more on a broken connection, which is what a restart or a
failover of Redis leaves in the pool.  On a cluster the keys of one script lie in one slot.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from redis.asyncio.cluster import RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError

from vendor.errors import StateUnavailable
from vendor.redis_address import ANSWER_SECONDS, MAX_CONNECTIONS, Client, parse_address
from vendor.redis_together import Together
from vendor.secret import Secret

Argument = str | bytes | int | float
_FAILURES: Final = (RedisError, RedisClusterException, OSError, TimeoutError)


class Script:
    """A Lua script, known to Redis by the digest of its text, so that two versions of the gateway never share one."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


# KEYS: hash.  ARGV: when it ends, then names and values.
_PUT_HASH = Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return redis.call('EXPIREAT', KEYS[1], ARGV[1])
""")


class Database:
    """The gateway's Redis.  Every method raises StateUnavailable when Redis is away, read-only or answers an error."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # both clients take the same calls, and declare them differently
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._together = None if isinstance(client, RedisCluster) else Together(client, ANSWER_SECONDS, self._turns)
        self._closed = False
        # A cluster's client limits each command itself, and may have to find out anew where to send it.
        self._patience = ANSWER_SECONDS * (2 if isinstance(client, RedisCluster) else 1)

    @classmethod
    def open(cls, url: Secret) -> "Database":
        """Prepare a client (see `redis_address`); connects when first used.  Raises ValueError for a bad URL."""
        return cls(parse_address(url).client())

    async def close(self) -> None:
        """Close all connections, also under what is still asked: that is not tried on another one."""
        self._closed = True
        await self._client.aclose()
        if isinstance(self._client, RedisCluster):  # does nothing about connections of before its last failure
            await self._client.nodes_manager.aclose()
            await self._client.nodes_manager.aclose("startup_nodes")
        elif isinstance(self._client.connection_pool, SentinelConnectionPool):  # leaves those to the sentinels open
            for sentinel in self._client.connection_pool.sentinel_manager.sentinels:
                await sentinel.aclose()

    async def ping(self) -> None:
        """Raise StateUnavailable unless Redis answers, has read its data and takes writes."""
        async with self._guarded():
            roles, states = await asyncio.gather(self._infos("replication"), self._infos("persistence"))
        if any(info.get("role") != "master" for info in roles):
            raise StateUnavailable("Redis is a read-only replica.")
        if any(info.get("loading") for info in states):  # it answers that much, and nothing else
            raise StateUnavailable("Redis is reading its data.")

    async def _infos(self, section: str) -> list[dict[str, Any]]:
        if not isinstance(self._client, RedisCluster):
            return [await self._client.info(section)]
        answers = await self._client.info(section, target_nodes=RedisCluster.PRIMARIES)
        several = all(isinstance(answer, dict) for answer in answers.values())
        return list(answers.values()) if several else [answers]

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], *, repeatable: bool) -> Any:
        """Run a script in one round trip (two when this Redis has not seen it before)."""
        until = asyncio.get_running_loop().time() + self._patience
        try:
            try:
                return await self._run(script, keys, arguments, until)
            except RedisConnectionError:
                if not repeatable or self._closed:
                    raise
                async with asyncio.timeout_at(until):
                    return await self._run(script, keys, arguments, until)
        except _FAILURES as failure:
            raise _unavailable(failure) from failure

    async def _run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], until: float) -> Any:
        try:
            if self._together is not None:  # has a time limit and a connection itself, for all that go together
                return await self._together.send("EVALSHA", script.digest, len(keys), *keys, *arguments)
            async with asyncio.timeout_at(until), self._turns:
                return await self._client.evalsha(script.digest, len(keys), *keys, *arguments)
        except NoScriptError:  # the script did not run, so running it now is safe
            async with asyncio.timeout_at(until), self._turns:
                return await self._client.eval(script.text, len(keys), *keys, *arguments)

    async def put_hash(self, key: str, fields: Mapping[str, str], *, expires_at: int) -> None:
        """Write a whole hash that ends at `expires_at` (seconds since the epoch), as one step."""
        members = [text for member in fields.items() for text in member]
        await self.run(_PUT_HASH, [key], [expires_at, *members], repeatable=True)

    async def get_hash(self, key: str) -> dict[str, str]:
        """Read a whole hash; empty when there is none."""
        async with self._guarded():
            return cast("dict[str, str]", await self._client.hgetall(key))

    async def get_fields(self, key: str, *names: str) -> list[str | None]:
        """Read some fields of a hash, in the order asked."""
        async with self._guarded():
            return cast("list[str | None]", await self._client.hmget(key, names))

    async def get_hashes(self, keys: Sequence[str]) -> list[dict[str, str]]:
        """Read several hashes in one round trip, in the order asked."""
        if not keys:
            return []
        async with self._guarded(), self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hgetall(key)
            return cast("list[dict[str, str]]", await pipe.execute())

    async def noted(self, sorted_set: str, *, since: float) -> list[str]:
        """Read all members that matter after `since`."""
        async with self._guarded():
            return cast("list[str]", await self._client.zrangebyscore(sorted_set, f"({since}", "+inf"))

    async def put_text(self, key: str, text: str, *, expires_at: int) -> None:
        """Write a text that ends at `expires_at` (seconds since the epoch)."""
        async with self._guarded():
            await self._client.set(key, text, exat=expires_at)

    async def get_text(self, key: str) -> str | None:
        """Read a text; None when there is none."""
        async with self._guarded():
            return cast("str | None", await self._client.get(key))

    async def glance(
        self, hashes: Sequence[str], fields: Sequence[str], key: str
    ) -> tuple[list[list[str | None]], str | None]:
        """Read a few fields of each of several hashes, and one text, in one round trip."""
        async with self._guarded(), self._client.pipeline(transaction=False) as pipe:
            for name in hashes:
                pipe.hmget(name, fields)
            pipe.get(key)
            *found, text = await pipe.execute()
            return found, text

    async def overdue(self, sorted_set: str, *, until: float, count: int) -> list[tuple[str, str]]:
        """Read up to `count` members with a score of at most `until`, lowest first, with their scores as kept."""
        async with self._guarded():
            found = await self._client.zrange(
                sorted_set, "-inf", until, byscore=True, offset=0, num=count, withscores=True, score_cast_func=_as_kept
            )
            return [(member, score) for member, score in found]

    async def join_group(self, stream: str, group: str) -> None:
        """Make a group of readers of a stream, who each get what others do not, from now on; repeat is fine."""
        async with self._guarded():
            try:
                await self._client.xgroup_create(stream, group, id="$", mkstream=True)
            except ResponseError as refusal:
                if "BUSYGROUP" not in str(refusal):
                    raise

    async def read_group(self, stream: str, group: str, reader: str, count: int) -> list[tuple[str, dict[str, str]]]:
        """Read up to `count` entries that nobody in the group has read yet; they are this reader's to acknowledge."""
        async with self._guarded():
            answer = await self._client.xreadgroup(group, reader, {stream: ">"}, count=count)
            return [entry for _, entries in _streams(answer) for entry in entries]

    async def take_over(
        self, stream: str, group: str, reader: str, *, idle_seconds: float, count: int
    ) -> list[tuple[str, dict[str, str]]]:
        """Read up to `count` entries that somebody read and has not acknowledged for that long."""
        async with self._guarded():
            answer = await self._client.xautoclaim(stream, group, reader, int(idle_seconds * 1000), count=count)
            return cast("list[tuple[str, dict[str, str]]]", answer[1])

    async def acknowledge(self, stream: str, group: str, entries: Sequence[str]) -> None:
        """Say that entries are dealt with."""
        if entries:
            async with self._guarded():
                await self._client.xack(stream, group, *entries)

    async def delete(self, key: str) -> None:
        """Remove a key, if it is there."""
        async with self._guarded():
            await self._client.delete(key)

    async def append(self, stream: str, fields: Mapping[str, str]) -> str:
        """Add an entry to a stream and return its id."""
        async with self._guarded():
            return cast(str, await self._client.xadd(stream, _encodable(fields)))

    async def acquire(self, key: str, seconds: int) -> bool:
        """Take a named turn that nobody else can take for `seconds`; False if someone has it."""
        async with self._guarded():
            return bool(await self._client.set(key, "1", nx=True, ex=seconds))

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        """Wait for one of the connections, limit the time, and turn every failure into StateUnavailable."""
        try:
            async with asyncio.timeout(self._patience), self._turns:
                yield
        except _FAILURES as failure:
            raise _unavailable(failure) from failure


def _unavailable(failure: Exception) -> StateUnavailable:
    # The failure's own text can hold an address with a password; its class is enough to act on.
    return StateUnavailable(f"The gateway's state store does not answer ({type(failure).__name__}).")


def _as_kept(score: Any) -> str:
    return score.decode() if isinstance(score, bytes) else str(score)


def _streams(answer: Any) -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Return what a read of streams answered; RESP3 has a mapping where RESP2 has a list."""
    if not answer:
        return []
    if isinstance(answer, Mapping):
        return [(name, batches[0] if batches else []) for name, batches in answer.items()]
    return list(answer)


def _encodable(fields: Mapping[str, str]) -> dict[Any, Any]:
    """Return a plain dict, whose key and value types redis-py declares wider than any caller's."""
    return dict(fields)
