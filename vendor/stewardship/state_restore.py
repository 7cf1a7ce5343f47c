"""Put a whole state from a file in the place of the present one.

The file is read to its end and kept compressed before anything is written.  Then it is written beside the present
state, by the same edits that ordinary changes consist of (`staging`), and in the end it is adopted in one step.  Until
that step nothing has changed, however the import ends.  Changes are held back while it is written.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from vendor.audit.event import Kind
from vendor.errors import Conflict, StateUnavailable, TooLarge
from vendor.governance.generations import Generations
from vendor.governance.line_members import BadLine
from vendor.governance.statefile import LONGEST_LINE, End, Header, Line, counted, read_line, write_line
from vendor.policy.layout import Layout
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Desk, require_revision
from vendor.stewardship.staging import Numbered, refused, stage
from vendor.stewardship.state_copy import Content, Spool, StateCopies

LINES_AT_ONCE: Final = 100
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of an import: whether anything is (or with `dry_run` would be) different, and what there is."""

    changed: bool
    revision: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class StateRestore:
    """The use case of importing."""

    desk: Desk
    generations: Generations
    copies: StateCopies
    layout: Layout
    most_bytes: int = 536_870_912

    async def restore(
        self, caller: Caller, body: AsyncIterator[bytes], *, dry_run: bool, revision: int | None
    ) -> Restored:
        """Import the state in `body`; with `dry_run` only find out whether it could be.

        A state that is there already changes nothing.  `revision` is that of the present state.  For administrators.
        Raises RoleRequired, InvalidRequest (with the number of the line), TooLarge, StaleRevision, Conflict.
        """
        require_admin(caller, "import a state")
        require_unlimited(caller)
        present, _ = await self.desk.look(caller)
        require_revision(revision, present)
        spool, content = await self._read(body)
        counts = counted(content.counts).counts
        there = await self.copies.take(caller)
        if (there.content.digest, there.content.counts) == (content.digest, content.counts):
            return Restored(changed=False, revision=there.revision, counts=counts)
        importing = self.generations.anew()
        try:
            present = there.revision if dry_run else await importing.hold()
            require_revision(revision, present)
            adopted = await self._import(caller, importing, present, spool, content, dry_run=dry_run)
        finally:
            await _quietly_end(importing)
        return Restored(changed=True, revision=adopted, counts=counts)

    async def _read(self, body: AsyncIterator[bytes]) -> tuple[Spool, Content]:
        """Read the file to its end: every line by itself, and that it is whole."""
        spool, content, size, number = Spool(), Content(), 0, 0
        last: Line | None = None
        async for data in _lines(body):
            number, size = number + 1, size + len(data) + 1
            if size > self.most_bytes:
                raise TooLarge(f"The state is larger than {self.most_bytes} bytes.", details={"limit": self.most_bytes})
            line = _parsed(number, data)
            if isinstance(line, Header) is not (number == 1) or isinstance(last, End):
                raise refused(number, "a state begins with one header line, and ends with its end line")
            last = line
            if not isinstance(line, Header | End):
                canonical = write_line(line)
                content.add(line, canonical)
                spool.write(canonical)
            if number % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)  # a body comes in large pieces, and nobody else is answered while one is read
        if last != counted(content.counts):
            raise refused(number, "the state is not whole: its end line is missing, or counts other records")
        spool.close()
        return spool, content

    async def _import(
        self, caller: Caller, importing: Generations, present: int, spool: Spool, content: Content, *, dry_run: bool
    ) -> int:
        staged = await importing.begin(present)
        try:
            await stage(importing, staged, _records(spool), self.layout)
            if dry_run:
                return present
            facts = {"digest": content.digest, "counts": dict(content.counts), "replaced_revision": present}
            event = caller.event(Kind.STATE_IMPORTED, self.desk.clock(), **facts, as_admin=True)
            revision = await importing.adopt(staged, event.text())
            await self.desk.tell([event.text()])
            return revision
        finally:
            await _quietly_sweep(importing)


async def _quietly_sweep(importing: Generations) -> None:
    """Remove what is no state any more: what was replaced, or what was staged for nothing.

    What cannot be removed now is removed by the next import; what came of this one does not hang on it.
    """
    try:
        while await importing.sweep():
            pass
    except (StateUnavailable, Conflict) as failure:
        _log.warning("rubbish of an import is left", reason=failure.code)


async def _quietly_end(importing: Generations) -> None:
    try:
        await importing.end()
    except StateUnavailable:  # it ends by itself in some seconds
        _log.warning("the end of an import could not be told")


async def _lines(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a body without their newlines; what is too long to be one, cut."""
    rest = b""
    async for chunk in body:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > LONGEST_LINE:
            yield rest[: LONGEST_LINE + 1]
            rest = b""
    if rest:
        yield rest


def _records(spool: Spool) -> Iterator[Numbered]:
    """Yield the records of the file with the numbers of their lines."""
    rest, number = b"", 1
    for chunk in spool.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for data in lines:
            number += 1
            record = read_line(data)
            if not isinstance(record, Header | End):
                yield number, record


def _parsed(number: int, data: bytes) -> Line:
    try:
        return read_line(data)
    except BadLine as problem:
        raise refused(number, str(problem)) from None
