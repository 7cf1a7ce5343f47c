"""A log in a real Valkey with everything that works on it, and events that look like events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.export import Exporter
from vendor.audit.index import Indexer
from vendor.audit.log import AuditLog
from vendor.audit.seal import Sealer
from vendor.audit.sinks.delivery import Delivery
from vendor.audit.sinks.sink import Batch, Sink, SinkFailed
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.identity.keyring import Keyring, SigningKey
from vendor.identity.seal import SealKeys
from vendor.sealed.keys import AuditKeys, read_keys
from vendor.sealed.verify import Verdict, verify
from vendor.secret import Secret


@dataclass
class Time:
    """A clock that moves when it is told to; it begins far after every cursor."""

    now: float = 4_000_000_000.0

    def __call__(self) -> float:
        return self.now


def signing(key: ec.EllipticCurvePrivateKey | None = None) -> SealKeys:
    """Keys in memory."""
    made = SigningKey.of(key or ec.generate_private_key(ec.SECP256R1()), now=0.0, signs_from=0.0)
    return SealKeys(Keyring((made,)), None, lambda: 1.0)


@dataclass
class World:
    """The log, and who works on it."""

    log: AuditLog
    trail: Trail
    clock: Time
    signer: SealKeys
    sealer: Sealer
    exporter: Exporter
    indexer: Indexer

    @property
    def keys(self) -> AuditKeys:
        return read_keys(json.dumps(self.signer.jwks()))

    async def write(self, count: int, **facts: object) -> None:
        """Record some events."""
        for number in range(count):
            origin = Origin("r_1", "test", "127.0.0.1", "agent")
            actor = Actor("alice", "https://idp.example.org", "alice")
            await self.trail.write(Event(Kind.VEND_DENIED, 0, actor, origin, facts={"number": number, **facts}))

    async def seal(self, runs: int, events: int = 3) -> None:
        """Record and seal some runs."""
        for _ in range(runs):
            await self.write(events)
            assert await self.sealer.step()

    async def export(self, since: float | None = None) -> list[bytes]:
        """All lines of an export."""
        span = await self.exporter.span(since)
        whole = b"".join([piece async for piece in self.exporter.lines(span)])
        return whole.splitlines(keepends=True)

    def delivery(self, sink: Sink) -> Delivery:
        """The way to a sink, without pauses."""

        async def no_pause(_seconds: float) -> None:
            return

        return Delivery(self.log, self.sealer, self.exporter, sink, self.clock, no_pause)

    def received(self, lines: bytes) -> Verdict:
        """Check what a sink received."""
        return verify(lines.splitlines(keepends=True), self.keys, whole=False)


@asynccontextmanager
async def open_world(url: str) -> AsyncIterator[World]:
    """Make it on an empty Valkey."""
    database = Database.open(Secret(url))
    log, clock, signer = AuditLog(database, "{t}:audit"), Time(), signing()
    sealer = Sealer(log, signer, "https://vendor.example.org", clock)
    trail = Trail(database, log.stream)
    yield World(log, trail, clock, signer, sealer, Exporter(log, sealer, clock), Indexer(log))
    await database.close()


@dataclass
class Taking:
    """A sink that takes what it is given, unless it is told to fail: so many times before it has taken, or after."""

    name: str = "taking"
    linger: float = 0.0
    batches: list[Batch] = field(default_factory=list)
    fails_before: int = 0
    fails_after: int = 0

    async def deliver(self, batch: Batch) -> None:
        if self.fails_before:
            self.fails_before -= 1
            raise SinkFailed("it is full")
        self.batches.append(batch)
        if self.fails_after:
            self.fails_after -= 1
            raise SinkFailed("it broke off")

    async def close(self) -> None:
        return

    @property
    def lines(self) -> bytes:
        return b"".join(batch.lines for batch in self.batches)
