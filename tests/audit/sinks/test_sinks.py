"""The sinks themselves: what they take is there for good, and what they cannot take they say."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.audit.world import World
from vendor.audit.index import day_of
from vendor.audit.sinks.bucket import BucketSink
from vendor.audit.sinks.files import FileSink
from vendor.audit.sinks.sink import Batch, SinkFailed
from vendor.audit.sinks.stdout import StdoutSink
from vendor.audit.sinks.webhook import WebhookSink, signature
from vendor.errors import StoreUnavailable
from vendor.secret import Secret


async def batches(world: World, count: int) -> list[Batch]:
    """Some batches of one run each."""
    made = []
    for _ in range(count):
        await world.seal(1)
        head = await world.sealer.head()
        assert head.said is not None
        made.append(Batch((head.said,), b"".join([piece async for piece in world.exporter.run(head)])))
    return made


def only_file(folder: Path) -> Path:
    """The one file in a folder."""
    (file,) = folder.glob("*.ndjson")
    return file


async def test_files_follow_one_another_when_they_are_full(world: World, tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "log", most_bytes=3000)
    for batch in await batches(world, 6):
        await sink.deliver(batch)

    files = sorted((tmp_path / "log").glob("*.ndjson"))
    assert len(files) > 1
    assert files[0].name == "audit-000000000001.ndjson"
    assert files[0].stat().st_mode & 0o007 == 0
    assert world.received(b"".join(file.read_bytes() for file in files)).events == 18


@pytest.mark.parametrize("torn", [1, 200, 1500])
async def test_a_run_that_was_written_in_part_is_cut_away(world: World, tmp_path: Path, torn: int) -> None:
    first, second, third = await batches(world, 3)
    sink = FileSink(tmp_path, most_bytes=10**9)
    await sink.deliver(first)
    file = only_file(tmp_path)
    with file.open("ab") as stream:
        stream.write(second.lines[:torn])

    await FileSink(tmp_path, most_bytes=10**9).deliver(second)
    with file.open("ab") as stream:
        stream.write(third.lines[:torn])
    await sink.deliver(third)

    assert file.read_bytes() == first.lines + second.lines + third.lines


async def test_a_first_run_that_was_written_in_part_is_cut_away(world: World, tmp_path: Path) -> None:
    (first,) = await batches(world, 1)
    (tmp_path / "audit-000000000001.ndjson").write_bytes(first.lines[:-100])

    await FileSink(tmp_path, most_bytes=10**9).deliver(first)

    assert (tmp_path / "audit-000000000001.ndjson").read_bytes() == first.lines


async def test_a_long_torn_tail_is_cut_away_as_well(world: World, tmp_path: Path) -> None:
    first, second = await batches(world, 2)
    file = tmp_path / "audit-000000000001.ndjson"
    file.write_bytes(first.lines + second.lines.splitlines(keepends=True)[0] * 500 + b"x" * 300_000)

    await FileSink(tmp_path, most_bytes=10**9).deliver(second)

    assert file.read_bytes() == first.lines + second.lines


async def test_a_folder_that_cannot_be_written_is_said(world: World, tmp_path: Path) -> None:
    (batch,) = await batches(world, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkFailed, match="cannot be written"):
        await FileSink(tmp_path / "file", 10**9).deliver(batch)


async def test_a_full_disk_is_said_and_gone_on_with(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await batches(world, 2)
    sink = FileSink(tmp_path, 10**9)
    await sink.deliver(first)
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 500:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data[:500]))

    monkeypatch.setattr("vendor.audit.sinks.files.os.write", full)
    with pytest.raises(SinkFailed, match="No space left"):
        await sink.deliver(second)
    monkeypatch.undo()
    await sink.deliver(second)

    file = only_file(tmp_path)
    assert file.read_bytes() == first.lines + second.lines


async def test_standard_output_gets_whole_lines(world: World) -> None:
    (batch,) = await batches(world, 1)

    class Out:
        buffer = io.BytesIO()

    before, sys.stdout = sys.stdout, Out()
    try:
        await StdoutSink().deliver(batch)
        assert Out.buffer.getvalue() == batch.lines
        Out.buffer.close()
        with pytest.raises(SinkFailed):
            await StdoutSink().deliver(batch)
    finally:
        sys.stdout = before


Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def receiver(answer: Answering) -> AsyncIterator[str]:
    """A server that answers every POST."""
    app = web.Application(client_max_size=10**8)
    app.router.add_post("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_signed_lines(world: World) -> None:
    (batch,) = await batches(world, 1)
    seen: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((await request.read(), {name.lower(): value for name, value in request.headers.items()}))
        return web.Response(status=204)

    async with receiver(answer) as url:
        sink = WebhookSink(url, Secret("s3cr3t"), lambda: 1_763_704_800.9)
        await sink.deliver(batch)
        await sink.close()

    ((body, headers),) = seen
    assert body == batch.lines
    assert headers["x-vendor-timestamp"] == "1763704800"
    assert headers["x-vendor-signature"] == signature(Secret("s3cr3t"), "1763704800", body)
    assert headers["x-vendor-signature"] != signature(Secret("other"), "1763704800", body)
    assert headers["x-vendor-checkpoints"] == "1-1"
    assert "s3cr3t" not in json.dumps(headers)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 500, 503])
async def test_a_webhook_that_does_not_take_it_has_not_taken_it(world: World, status: int) -> None:
    (batch,) = await batches(world, 1)
    calls = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=status, headers={"location": "/elsewhere"})

    async with receiver(answer) as url:
        sink = WebhookSink(url, Secret("s"), lambda: 1.0)
        with pytest.raises(SinkFailed, match=str(status)):
            await sink.deliver(batch)
        await sink.close()
    assert calls == ["/hook"]


async def test_a_webhook_that_is_away_or_silent_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (batch,) = await batches(world, 1)
    asked, done = asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        asked.set()
        await done.wait()
        return web.Response()

    monkeypatch.setattr("vendor.audit.sinks.webhook.TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    async with receiver(answer) as url:
        sink = WebhookSink(url, Secret("s"), lambda: 1.0)
        with pytest.raises(SinkFailed, match="cannot be reached"):
            await sink.deliver(batch)
        done.set()
    with pytest.raises(SinkFailed, match="cannot be reached"):
        await sink.deliver(batch)
    await sink.close()
    assert asked.is_set()


async def test_objects_lie_by_day_and_are_locked(world: World) -> None:
    first, second = await batches(world, 2)
    written: dict[str, tuple[bytes, dict[str, str]]] = {}

    async def put(key: str, body: bytes, headers: object) -> int:
        written[key] = body, dict(headers)  # type: ignore[call-overload]  # a mapping
        return 200

    async def close() -> None:
        return

    sink = BucketSink(put, close, "audit/", 30, lambda: 1_763_704_800.0)
    await sink.deliver(first)
    await sink.deliver(second)
    await sink.deliver(second)

    day = day_of(first.first.first).replace("-", "/")
    assert list(written) == [
        f"audit/{day}/000000000001-000000000001.ndjson",
        f"audit/{day}/000000000002-000000000002.ndjson",
    ]
    headers = written[f"audit/{day}/000000000001-000000000001.ndjson"][1]
    assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert headers["x-amz-object-lock-retain-until-date"] == "2025-12-21T06:00:00Z"
    assert world.received(b"".join(body for body, _ in written.values())).events == 6


async def test_a_bucket_that_refuses_or_is_away_is_said(world: World) -> None:
    (batch,) = await batches(world, 1)

    async def refuse(_key: str, _body: bytes, _headers: object) -> int:
        return 403

    async def away(_key: str, _body: bytes, _headers: object) -> int:
        raise StoreUnavailable("The store does not answer.")

    async def close() -> None:
        return

    with pytest.raises(SinkFailed, match="403"):
        await BucketSink(refuse, close, "", None, lambda: 0.0).deliver(batch)
    with pytest.raises(SinkFailed, match="does not answer"):
        await BucketSink(away, close, "", None, lambda: 0.0).deliver(batch)
