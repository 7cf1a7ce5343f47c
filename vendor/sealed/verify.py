"""Check an export, or the files of a sink: that nothing was deleted, edited, moved, inserted or cut off.

A pure function over lines; it holds the events of one checkpoint at a time, however long the log is.  The first record
that is not as it was sealed is named: where the hashes of a run do not lead to its signed root, the list of hashes that
comes with the checkpoint tells which event is to blame.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from vendor.sealed import merkle
from vendor.sealed.keys import AuditKeys
from vendor.sealed.records import (
    CHECKPOINT,
    CHECKPOINT_TYPE,
    END,
    END_TYPE,
    EVENT,
    GENESIS,
    MOST_IN_RUN,
    PROOF,
    BadForm,
    Checkpoint,
    leaf_of,
    place,
    read_checkpoint,
    read_end,
    unpack_leaves,
)

LONGEST_LINE: Final = 4 * 1024 * 1024
_MOST_PENDING: Final = 2 * MOST_IN_RUN
_REMEMBERED: Final = 4096  # checkpoints that may come again


class BadRecord(Exception):
    """The first record that is not as it was sealed: its line (from 1), what it is, and what is wrong."""

    def __init__(self, line: int, record: str, problem: str) -> None:
        super().__init__(f"line {line}, {record}: {problem}")
        self.line = line
        self.record = record
        self.problem = problem


@dataclass(slots=True)
class Verdict:
    """What was checked: `first` and `last` are the cursors of the sealed events, `time` is of the last checkpoint.

    `unsealed` counts events at the end that no checkpoint covers; an export has none.
    """

    events: int = 0
    checkpoints: int = 0
    first: str | None = None
    last: str | None = None
    number: int = 0
    time: str | None = None
    digest: str = GENESIS
    ended: bool = False
    unsealed: int = 0


@dataclass(frozen=True, slots=True)
class _Pending:
    line: int
    cursor: bytes | None
    leaf: bytes | None

    @property
    def name(self) -> str:
        return "record" if self.cursor is None else f"event {self.cursor.decode('ascii')}"


@dataclass(slots=True)
class Checking:
    """A check under way.  Feed it lines; `finish` says what came of it."""

    keys: AuditKeys
    repeats: bool = False  # the files of a sink may hold a checkpoint and its events twice
    found: Verdict = field(default_factory=Verdict)
    _pending: list[_Pending] = field(default_factory=list)
    _line: int = 0
    _first_number: int = 0
    _size: int = 0
    _seen: OrderedDict[int, str] = field(default_factory=OrderedDict)

    def feed(self, line: bytes) -> None:
        """Check one line, its line feed included.  Raises BadRecord."""
        self._line += 1
        if self.found.ended:
            raise self._bad("record", "it comes after the end of the export")
        event = EVENT.fullmatch(line)
        if event is not None:
            cursor, revision, text = event.groups()
            self._hold(_Pending(self._line, cursor, leaf_of(cursor, revision, text)))
        elif (checkpoint := CHECKPOINT.fullmatch(line)) is not None:
            self._checkpoint(*checkpoint.groups())
        elif (end := END.fullmatch(line)) is not None:
            self._end(*end.groups())
        else:
            self._hold(_Pending(self._line, None, None))

    def finish(self, *, whole: bool) -> Verdict:
        """Say what was checked.  With `whole` the end of an export must have been there.  Raises BadRecord."""
        self._blame_form()
        self._line += 1
        if whole and not self.found.ended:
            raise self._bad("end", "it is missing: the export was cut off")
        self.found.unsealed = len(self._pending)
        return self.found

    def _hold(self, record: _Pending) -> None:
        self._pending.append(record)
        if len(self._pending) > _MOST_PENDING:
            self._blame_form()
            raise BadRecord(
                self._pending[MOST_IN_RUN].line,
                self._pending[MOST_IN_RUN].name,
                "no checkpoint seals it where it stands",
            )

    def _checkpoint(self, payload: bytes, jws: bytes, leaves: bytes) -> None:
        try:
            if self.keys.open(jws, CHECKPOINT_TYPE) != payload:
                raise BadForm("what it shows is not what was signed")
            said = read_checkpoint(payload)
        except BadForm as problem:
            self._blame_form()
            raise self._bad("checkpoint", str(problem)) from None
        digest = sha256(jws).hexdigest()
        if self.repeats and self._seen.get(said.number) == digest:
            self._compare(said, leaves)
            self._pending.clear()
            return
        self._require_next(said)
        self._compare(said, leaves)
        self._take(said, digest)

    def _require_next(self, said: Checkpoint) -> None:
        name, before = f"checkpoint {said.number}", self.found
        if not before.checkpoints:
            self._first_number = said.number
            self._blame_form()  # it may have been the checkpoint that these events belong to
            if (said.number == 1) != (said.previous == GENESIS):
                raise self._bad(name, "only the first checkpoint of a log has none before it")
            return
        if said.number != before.number + 1:
            self._blame_form()
            raise self._bad(name, f"checkpoint {before.number + 1} should stand here")
        if said.previous != before.digest:
            raise self._bad(name, "it does not follow the checkpoint before it")

    def _compare(self, said: Checkpoint, packed: bytes) -> None:
        """Hold the events since the last checkpoint against what this one seals."""
        found = [record.leaf for record in self._pending if record.leaf is not None]
        whole = len(found) == len(self._pending) == said.count
        if not whole or merkle.root(found).hex() != said.root:
            self._blame(said, packed)
        first, last = self._pending[0].cursor or b"", self._pending[-1].cursor or b""
        if (first.decode(), last.decode()) != (said.first, said.last):
            raise self._bad(f"checkpoint {said.number}", "it names other events than it seals")
        try:
            listed = unpack_leaves(packed)
        except BadForm as problem:
            raise self._bad(f"checkpoint {said.number}", f"its leaves are {problem}") from None
        if listed != found:
            raise self._bad(f"checkpoint {said.number}", "its leaves are not those of its events")

    def _take(self, said: Checkpoint, digest: str) -> None:
        before = self.found
        if before.checkpoints and said.size != self._size + said.count:
            raise self._bad(f"checkpoint {said.number}", "it counts other events than there are")
        if before.last is not None and place(before.last) >= place(said.first):
            raise self._bad(f"checkpoint {said.number}", "its events come before those of the checkpoint before it")
        self._size = said.size
        before.events += said.count
        before.checkpoints += 1
        before.first = before.first or said.first
        before.last, before.number, before.time, before.digest = said.last, said.number, said.time, digest
        if self.repeats:
            self._seen[said.number] = digest
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        self._pending.clear()

    def _end(self, payload: bytes, jws: bytes) -> None:
        self._blame_form()
        try:
            if self.keys.open(jws, END_TYPE) != payload:
                raise BadForm("what it shows is not what was signed")
            said = read_end(payload)
        except BadForm as problem:
            raise self._bad("end", str(problem)) from None
        if self._pending:
            raise BadRecord(self._pending[0].line, self._pending[0].name, "no checkpoint seals it")
        found = self.found
        if said.first != self._first_number:
            raise BadRecord(1, f"checkpoint {said.first}", "the export begins with it, and it is missing")
        if (said.last, said.events, said.previous) != (found.number, found.events, found.digest):
            raise self._bad("end", f"checkpoints {found.number + 1} to {said.last} are missing")
        found.ended = True

    def _blame(self, said: Checkpoint, packed: bytes) -> None:
        """Raise BadRecord for the first event that is not what the checkpoint seals."""
        try:
            sealed = unpack_leaves(packed)
        except BadForm:
            sealed = []
        if len(sealed) != said.count or merkle.root(sealed).hex() != said.root:
            self._blame_form()
            span = f"events {said.first} to {said.last}"
            raise self._bad(f"checkpoint {said.number}", f"{span} are not what it seals, nor are its leaves")
        there = {record.leaf for record in self._pending}
        for record, leaf in zip(self._pending, sealed, strict=False):
            if record.leaf != leaf:
                raise BadRecord(record.line, record.name, _why(record, leaf, sealed, there))
        if len(self._pending) < said.count:
            missing = said.count - len(self._pending)
            raise self._bad(f"checkpoint {said.number}", f"{missing} events before it are missing, up to {said.last}")
        extra = self._pending[said.count]
        raise BadRecord(extra.line, extra.name, "it was not there when the log was sealed")

    def _blame_form(self) -> None:
        """Raise BadRecord for the first pending line that is of no known form."""
        for record in self._pending:
            if record.leaf is None:
                raise BadRecord(record.line, "record", "it is not of the form of any record")

    def _bad(self, record: str, problem: str) -> BadRecord:
        return BadRecord(self._line, record, problem)


def _why(record: _Pending, expected: bytes, sealed: list[bytes], there: set[bytes | None]) -> str:
    if record.leaf is None:
        return "it is not of the form of any record"
    if record.leaf in sealed:
        return "it does not belong here: a record before it is missing, or it was moved or repeated"
    return "it was not there when the log was sealed" if expected in there else "it is not what was sealed"


def verify(lines: Iterable[bytes], keys: AuditKeys, *, whole: bool = True) -> Verdict:
    """Check all lines of an export; or, with `whole` false, of what a sink received, in the order of delivery.

    Raises BadRecord for the first record that is not as it was sealed.
    """
    checking = Checking(keys, repeats=not whole)
    feed = checking.feed
    for line in lines:
        feed(line)
    return checking.finish(whole=whole)


def verify_proof(line: bytes, keys: AuditKeys) -> tuple[str, Checkpoint]:
    """Check the proof of one event; return its cursor and the checkpoint that seals it.  Raises BadRecord."""
    parts = PROOF.fullmatch(line)
    if parts is None:
        raise BadRecord(1, "proof", "it is not of the form of a proof")
    cursor, revision, text, index, path, jws = parts.groups()
    name = f"event {cursor.decode('ascii')}"
    try:
        said = read_checkpoint(keys.open(jws, CHECKPOINT_TYPE))
    except BadForm as problem:
        raise BadRecord(1, "checkpoint", str(problem)) from None
    way = [bytes.fromhex(node.strip('"')) for node in path.decode("ascii").split(",") if node]
    root = merkle.root_by_path(leaf_of(cursor, revision, text), int(index), said.count, way)
    inside = place(said.first) <= place(cursor) <= place(said.last)
    if root is None or root.hex() != said.root or not inside:
        raise BadRecord(1, name, f"checkpoint {said.number} does not seal it")
    return cursor.decode("ascii"), said
