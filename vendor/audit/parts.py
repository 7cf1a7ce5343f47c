"""Everything around the audit log that a running gateway has, made once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from vendor.audit.export import Exporter
from vendor.audit.index import Indexer
from vendor.audit.leader import Duty, Leadership
from vendor.audit.log import AuditLog
from vendor.audit.pulse import Places, Pulse
from vendor.audit.reader import Reader
from vendor.audit.rejections import Rejections
from vendor.audit.retention import Retention
from vendor.audit.seal import Sealer, Signer
from vendor.audit.sinks.delivery import Delivery, SinkState
from vendor.audit.sinks.sink import Sink
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.times import Clock

SEAL_AFTER: Final = 3.0
"""Seconds after which a short run is sealed; with the pauses of the leader this stays below five."""

MOST_TAILS: Final = 100
"""How many may follow the log at a time, for each process."""
TAILS_EACH: Final = 10
"""How many of them may be one user's."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long events stay in Redis, in seconds, and which sinks must have one before it goes."""

    seconds: float
    required: Sequence[str]


@dataclass(frozen=True, slots=True)
class AuditParts:
    """The log and who works on it.  `sealer` and `exporter` are None for a gateway without audit keys."""

    log: AuditLog
    reader: Reader
    pulse: Pulse
    tails: Places
    indexer: Indexer
    sealer: Sealer | None
    exporter: Exporter | None
    deliveries: tuple[Delivery, ...]
    rejections: Rejections
    leadership: Leadership
    clock: Clock

    @property
    def sinks(self) -> list[SinkState]:
        """How every sink does; up to date in the replica that leads (`leadership.leads`)."""
        return [delivery.state for delivery in self.deliveries]

    @classmethod
    def open(
        cls,
        database: Database,
        stream: str,
        *,
        signer: Signer | None,
        gateway: str,
        clock: Clock,
        sinks: Sequence[Sink] = (),
        keeping: Keeping | None = None,
    ) -> Self:
        """Make all of it; nothing runs yet."""
        log = AuditLog(database, stream)
        indexer = Indexer(log)
        sealer = None if signer is None else Sealer(log, signer, gateway, clock)
        work: list[tuple[str, Duty]] = [("index the audit log", indexer.step)]
        if sealer is not None:
            work.append(("seal the audit log", lambda: sealer.step(patience=SEAL_AFTER)))
        exporter = None if sealer is None else Exporter(log, sealer, clock)
        deliveries: list[Delivery] = []
        if sealer is not None and exporter is not None:
            deliveries = [Delivery(log, sealer, exporter, sink, clock) for sink in sinks]
            work += ((f"deliver the audit log to {each.sink.name}", each.step) for each in deliveries)
        if sealer is not None and keeping is not None:
            trail = Trail(database, stream)
            retention = Retention(log, trail.write, clock, keeping.seconds, keeping.required)
            work.append(("trim the audit log", retention.duty))
        return cls(
            log=log,
            reader=Reader(log),
            pulse=Pulse(log),
            tails=Places(MOST_TAILS, TAILS_EACH),
            indexer=indexer,
            sealer=sealer,
            exporter=exporter,
            deliveries=tuple(deliveries),
            rejections=Rejections(Trail(database, stream), clock),
            leadership=Leadership(log, work),
            clock=clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the log as long as the block lasts."""
        try:
            async with self.leadership.running(), self.rejections.running():
                yield
        finally:
            await self.pulse.close()
            for delivery in self.deliveries:
                await delivery.sink.close()
