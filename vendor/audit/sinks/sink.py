"""What a sink is: something that takes sealed runs of events, in order, each at least once.

What is delivered are the lines of an export, events and the checkpoint that seals them, so whoever has a sink's data
can check it alone.  A run that comes twice is the same bytes twice; event ids and checkpoint numbers tell.
"""

from dataclasses import dataclass
from typing import Protocol

from vendor.sealed.records import Checkpoint


class SinkFailed(Exception):
    """A sink did not take a batch, or may not have.  The message says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some runs, one after the other: the checkpoints that seal them, and their lines."""

    checkpoints: tuple[Checkpoint, ...]
    lines: bytes

    @property
    def first(self) -> Checkpoint:
        """The first checkpoint."""
        return self.checkpoints[0]

    @property
    def last(self) -> Checkpoint:
        """The last checkpoint."""
        return self.checkpoints[-1]

    @property
    def events(self) -> int:
        """How many events these are."""
        return sum(said.count for said in self.checkpoints)


class Sink(Protocol):
    """One place to deliver to.  `linger` is how many seconds a batch may wait for more to come."""

    name: str
    linger: float

    async def deliver(self, batch: Batch) -> None:
        """Take a batch for good.  Raises SinkFailed."""

    async def close(self) -> None:
        """Close what it has open."""
