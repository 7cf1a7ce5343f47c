"""Export the log: every event with the checkpoints that seal them, in the form that is checked offline.

An export goes by whole checkpoints.  It ends with a fresh one, which also seals the event of the export itself, and
with a signed line that says so; without that line a copy that was cut off could not be told from a whole one.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from vendor.audit.log import AuditLog
from vendor.audit.seal import Head, Sealer, digest_of, head_of, leaves_of
from vendor.errors import InvalidRequest, StateUnavailable
from vendor.sealed import merkle
from vendor.sealed.records import (
    END_TYPE,
    MOST_IN_RUN,
    Checkpoint,
    End,
    checkpoint_line,
    end_line,
    event_line,
    place,
    proof_line,
)
from vendor.times import Clock, rfc3339


@dataclass(frozen=True, slots=True)
class Span:
    """Which checkpoints an export holds."""

    first: int
    head: Head


class Exporter:
    """Reads what was sealed.  Methods raise StateUnavailable."""

    def __init__(self, log: AuditLog, sealer: Sealer, clock: Clock) -> None:
        self._log = log
        self._sealer = sealer
        self._clock = clock

    async def span(self, since: float | None) -> Span:
        """Seal everything there is, and return what an export has to hold: all of it, or all since a time (seconds).

        Raises InvalidRequest for a time that has not come.
        """
        head = await self._sealer.seal_all(await self._log.last())
        oldest = head_of(await self._log.oldest())
        if head.said is None or oldest.said is None:
            raise StateUnavailable("Nothing has been recorded yet.")
        if since is None:
            return Span(oldest.number, head)
        wanted = f"{max(0, int(since * 1000))}-0"
        if place(wanted) > place(head.last):
            raise InvalidRequest("since: nothing has been recorded since then.")
        return Span(await self._holding(wanted, oldest.number, head.number), head)

    async def lines(self, span: Span) -> AsyncIterator[bytes]:
        """Yield the export in pieces of some lines each, holding one checkpoint's events at a time."""
        events = 0
        for number in range(span.first, span.head.number + 1):
            at = await self.checkpoint(number)
            async for piece in self.run(at):
                yield piece
            events += at.said.count if at.said is not None else 0
        end = End(
            first=span.first,
            last=span.head.number,
            events=events,
            previous=span.head.digest,
            time=rfc3339(self._clock()),
            gateway=self._sealer.gateway,
        )
        yield end_line(self._sealer.signer.sign(end.payload(), END_TYPE)).encode("ascii")

    async def run(self, at: Head) -> AsyncIterator[bytes]:
        """Yield the events of one checkpoint and then the checkpoint, in pieces of some lines each.

        What lies in Redis is passed on as it is: whether it is what was sealed is for the reader to check.
        """
        assert at.said is not None  # noqa: S101 - a stored checkpoint says something
        assert at.sealed is not None  # noqa: S101 - as above
        before, last = _before(at.said.first), at.said.last
        while True:
            entries = await self._log.between(before, last, MOST_IN_RUN)
            piece: list[str] = [event_line(entry.cursor, entry.revision, entry.text) for entry in entries]
            if len(entries) < MOST_IN_RUN:
                piece.append(checkpoint_line(at.sealed.jws, at.sealed.leaves))
            yield "".join(piece).encode("utf-8")
            if len(entries) < MOST_IN_RUN:
                return
            before = entries[-1].cursor

    async def proof(self, cursor: str) -> str | None:
        """Return the proof of one event, as a line; None for one that is not sealed yet or not kept any more."""
        head, oldest = await self._sealer.head(), head_of(await self._log.oldest())
        if head.said is None or oldest.said is None or place(cursor) > place(head.last):
            return None
        at = await self.checkpoint(await self._holding(cursor, oldest.number, head.number))
        if at.said is None or at.sealed is None:
            return None
        entries = await self._log.between(_before(at.said.first), at.said.last, at.said.count)
        found = [index for index, entry in enumerate(entries) if entry.cursor == cursor]
        if not found:
            return None
        index, leaves = found[0], leaves_of(entries)
        entry = entries[index]
        return proof_line(cursor, entry.revision, entry.text, index, merkle.path(leaves, index), at.sealed.jws)

    async def checkpoint(self, number: int) -> Head:
        """Read one checkpoint.  Raises StateUnavailable for one that should be there and is not."""
        sealed = await self._log.checkpoint(number)
        if sealed is None:
            raise StateUnavailable(f"Checkpoint {number} of the audit log is missing.")
        return head_of(sealed)

    async def _holding(self, cursor: str, low: int, high: int) -> int:
        """Return the number of the first checkpoint that ends at or after a cursor."""
        while low < high:
            middle = (low + high) // 2
            said = (await self.checkpoint(middle)).said
            if said is not None and place(said.last) >= place(cursor):
                high = middle
            else:
                low = middle + 1
        return low


def shown(head: Head) -> dict[str, object]:
    """Return a checkpoint as the API shows it."""
    said, sealed = head.said, head.sealed
    assert said is not None  # noqa: S101 - asked only where there is one
    assert sealed is not None  # noqa: S101 - as above
    return {
        **{name: getattr(said, name) for name in Checkpoint.__slots__},
        "digest": digest_of(sealed.jws),
        "jws": sealed.jws,
    }


def _before(cursor: str) -> str:
    """Return the cursor just before another one."""
    moment, number = place(cursor)
    if number:
        return f"{moment}-{number - 1}"
    return f"{moment - 1}-18446744073709551615" if moment else "0-0"
