"""What runs beside the requests: see `ceilings.worker`.  There is nothing where no store keeps documents."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vendor.database import Database
from vendor.leases.aftermath import Aftermath
from vendor.leases.ceilings.ceilings import Ceilings
from vendor.leases.ceilings.sweep import Sweep
from vendor.leases.ceilings.worker import Worker
from vendor.times import Clock


@dataclass(frozen=True, slots=True)
class Background:
    """Runs the worker, and closes what belongs to it."""

    database: Database
    stream: str
    prefix: str
    ceilings: Ceilings | None
    aftermath: Aftermath
    clock: Clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work as long as the block lasts."""
        worker = self.worker()
        if worker is None:
            yield
            return
        async with worker.running():
            yield

    def worker(self) -> Worker | None:
        """Return the worker; None where no store keeps documents."""
        effects = self.aftermath.effects
        if self.ceilings is None or effects is None:
            return None
        return Worker(
            database=self.database,
            stream=self.stream,
            effects=effects,
            unsettled=self.ceilings.writer.unsettled,
            ending=self.ceilings.writer.ending,
            doubted=self.ceilings.writer.doubted,
            sweep=Sweep(self.database, self.prefix, effects),
            ended=self.aftermath.ended,
            clock=self.clock,
        )

    async def close(self) -> None:
        """Close what belongs to it."""
        await self.aftermath.close()
        if self.ceilings is not None:
            await self.ceilings.close()
