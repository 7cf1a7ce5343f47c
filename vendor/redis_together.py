"""Commands that are sent in the same turn of the event loop travel together: one write, one connection, one read.

Making a lease asks several scripts at once, and many leases are made at once; each command by itself would take a
connection, a system call either way and most of redis-py's own work.  What one command comes to is told to its sender
alone; only a broken connection is everybody's.  Nothing is sent twice.
"""

import asyncio
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
from redis.exceptions import ResponseError

_Waiting = tuple[bytes, "asyncio.Future[Any]"]
"""A command as it goes over the wire, and who waits for its answer."""


class Together:
    """Sends commands of one client, each batch for at most so many seconds, waiting for one of the `turns` included."""

    def __init__(self, client: Redis, patience: float, turns: asyncio.Semaphore) -> None:
        self._client: Any = client
        self._patience = patience
        self._turns = turns
        self._waiting: list[_Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, *command: str | bytes | int | float) -> Any:
        """Send one command and return its answer.  Raises what redis-py raises, OSError and TimeoutError."""
        # In C; redis-py's asynchronous client packs in Python.
        packed = pack_command(command)  # type: ignore[arg-type]  # declared for tuples of one
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((packed, answer))
        return await answer

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        batch = [one for one in waiting if not one[1].done()]
        if batch:
            task = asyncio.ensure_future(self._exchange(batch))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _exchange(self, batch: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._patience), self._turns:
                answers = await self._answers(batch)
        except asyncio.CancelledError:
            for _, waiter in batch:
                waiter.cancel()
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it is, those who wait are told
            answers = [failure] * len(batch)
        for (_, waiter), answer in zip(batch, answers, strict=True):
            if waiter.done():
                continue
            if isinstance(answer, Exception):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)

    async def _answers(self, batch: list[_Waiting]) -> list[Any]:
        """Return answers and refusals, in order."""
        pool = self._client.connection_pool
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(b"".join(packed for packed, _ in batch))
            return [await _answer(connection) for _ in batch]
        except BaseException:
            await connection.disconnect(nowait=True)  # answers may still come, which are nobody's
            raise
        finally:
            await pool.release(connection)


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal
