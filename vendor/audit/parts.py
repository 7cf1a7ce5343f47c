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
from vendor.audit.seal import Sealer, Signer
from vendor.database import Database
from vendor.times import Clock

SEAL_AFTER: Final = 3.0
"""Seconds after which a short run is sealed; with the pauses of the leader this stays below five."""

MOST_TAILS: Final = 100
"""How many may follow the log at a time, for each process."""


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
    leadership: Leadership
    clock: Clock

    @classmethod
    def open(
        cls,
        database: Database,
        stream: str,
        *,
        signer: Signer | None,
        gateway: str,
        clock: Clock,
        duties: Sequence[tuple[str, Duty]] = (),
    ) -> Self:
        """Make all of it; nothing runs yet."""
        log = AuditLog(database, stream)
        indexer = Indexer(log)
        sealer = None if signer is None else Sealer(log, signer, gateway, clock)
        work: list[tuple[str, Duty]] = [("index the audit log", indexer.step)]
        if sealer is not None:
            work.append(("seal the audit log", lambda: sealer.step(patience=SEAL_AFTER)))
        return cls(
            log=log,
            reader=Reader(log),
            pulse=Pulse(log),
            tails=Places(MOST_TAILS),
            indexer=indexer,
            sealer=sealer,
            exporter=None if sealer is None else Exporter(log, sealer, clock),
            leadership=Leadership(log, [*work, *duties]),
            clock=clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the log as long as the block lasts."""
        try:
            async with self.leadership.running():
                yield
        finally:
            await self.pulse.close()
