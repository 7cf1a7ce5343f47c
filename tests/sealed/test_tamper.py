"""All that can be done to one record or one byte of a log of 2,000 events, and each time it is noticed.

To check the whole log anew for each of millions of edits would take days.  So the check is taken up where it stood
before the record that is touched (`Checking` depends on nothing but the lines before), and edits of bytes go by what
they make of their line: another event, another checkpoint, another end, or a line of no form.  That each of these is
refused wherever it stands is shown for every record; that every edit makes one of them, for every byte.
"""

import io
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

import pytest

from tests.sealed.logs import Log
from vendor.sealed.records import CHECKPOINT, CHECKPOINT_TYPE, END, END_TYPE, EVENT, BadForm, leaf_of, unpack_leaves
from vendor.sealed.verify import BadRecord, Checking, verify

RUNS, IN_RUN = 20, 100
LOG = Log(RUNS, IN_RUN, revisions=True)
LINES = LOG.lines()
KEYS = LOG.keys
WHOLE = IN_RUN + 1  # lines of a run
CHECKPOINTS = range(IN_RUN, len(LINES) - 1, WHOLE)
LAST = len(LINES) - 1
NO_FORM = b"this is no record\n"


def copied(checking: Checking) -> Checking:
    """A check that stands where another one does, and goes on without it."""
    return replace(checking, found=replace(checking.found), _pending=list(checking._pending))


def all_states() -> list[Checking]:
    """How the check stands before each record of the log, and at its end."""
    checking, states = Checking(KEYS), []
    for line in LINES:
        states.append(copied(checking))
        checking.feed(line)
    return [*states, checking]


STATES = all_states()


def refused(at: int, changed: list[bytes], then: int) -> BadRecord:
    """Check the log whose records from `at` up to `then` are `changed` instead.  It must be refused."""
    checking = copied(STATES[at])
    try:
        for line in changed:
            checking.feed(line)
        for line in itertools.islice(LINES, then, None):
            checking.feed(line)
        checking.finish(whole=True)
    except BadRecord as bad:
        return bad
    raise AssertionError(f"not noticed: {changed!r} instead of records {at} to {then}")


def lines_of(data: bytes) -> list[bytes]:
    """Cut into lines as a file is."""
    return list(io.BytesIO(data))


def test_the_log_is_one_that_is_accepted() -> None:
    assert STATES[-1].finish(whole=True).events == 2000
    leaves = [leaf_of(*found.groups()) for line in LINES if (found := EVENT.fullmatch(line))]
    assert len(set(leaves)) == 2000


def test_taking_a_check_up_is_the_same_as_checking_all() -> None:
    chance = random.Random(1)
    for _ in range(60):
        at = chance.randrange(len(LINES))
        changed = chance.choice([[], [NO_FORM], [LINES[at], LINES[at]], [LINES[at], NO_FORM]])
        with pytest.raises(BadRecord) as whole:
            verify([*LINES[:at], *changed, *LINES[at + 1 :]], KEYS)
        assert str(refused(at, changed, at + 1)) == str(whole.value)


# Records


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _at: [], id="deleted"),
        pytest.param(lambda at: [LINES[at]] * 2, id="doubled"),
        pytest.param(lambda _at: [NO_FORM], id="of-no-form"),
        pytest.param(lambda at: [NO_FORM, LINES[at]], id="another-line-before"),
        pytest.param(lambda at: [LINES[at], NO_FORM], id="another-line-after"),
        pytest.param(lambda at: [LINES[at - 1 if at else 1]], id="replaced-by-its-neighbour"),
        pytest.param(lambda at: [LINES[(at + WHOLE) % LAST]], id="replaced-by-the-one-of-the-next-run"),
        pytest.param(lambda at: [b'{"cursor":"%d-0","revision":null,"event":{}}\n' % (at + 1)], id="another-event"),
    ],
)
def test_whatever_is_done_to_any_record_is_noticed(change: Callable[[int], list[bytes]]) -> None:
    for at in range(len(LINES)):
        refused(at, change(at), at + 1)


def test_every_two_neighbours_that_change_places_are_noticed() -> None:
    for at in range(LAST):
        bad = refused(at, [LINES[at + 1], LINES[at]], at + 2)
        if {at, at + 1}.isdisjoint(CHECKPOINTS) and at + 1 != LAST:
            assert bad.line == at + 1


def test_every_cut_is_noticed() -> None:
    """However much is missing at the end: in front of the last line nothing has ended, and no part of that ends it."""
    for at, state in enumerate(STATES[:-1]):
        assert not state.found.ended
        with pytest.raises(BadRecord):
            copied(state).finish(whole=True)
        for size in range(1, len(LINES[at])):
            assert END.fullmatch(LINES[at][:size]) is None
    for size in range(len(LINES[LAST])):
        refused(LAST, [LINES[LAST][:size]], len(LINES))


def test_every_missing_beginning_is_noticed() -> None:
    for at in range(1, len(LINES)):
        with pytest.raises(BadRecord):
            verify(itertools.islice(LINES, at, None), KEYS)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_two_events_of_a_run_that_change_places_are_noticed() -> None:
    for run in range(RUNS):
        start = run * WHOLE
        for one, other in itertools.combinations(range(start, start + IN_RUN), 2):
            changed = [LINES[other], *LINES[one + 1 : other], LINES[one]]
            assert refused(one, changed, other + 1).line == one + 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_checkpoint_at_every_other_place_is_noticed() -> None:
    for at in range(len(LINES)):
        for checkpoint in CHECKPOINTS:
            refused(at, [LINES[checkpoint], LINES[at]], at + 1)


# Bytes


@lru_cache(maxsize=8)
def opened(jws: bytes, kind: str) -> bytes | None:
    """What a JWS says, None if it is not signed; most edits leave it as it is, so it is looked at once."""
    try:
        return KEYS.open(jws, kind)
    except BadForm:
        return None


def noticed(at: int, edited: bytes) -> bool:
    """Say whether a line that stands instead of record `at` is refused, going by what it is."""
    before = LINES[at]
    if edited[-1:] != b"\n" or edited.count(b"\n") > 1:
        following = b"" if at == LAST else LINES[at + 1]
        made = lines_of(edited + following)
        if made == [before] + ([following] if following else []):
            return False
        # More records than there were, or fewer, or one of no form; but each could be a checkpoint or an end.
        if any(CHECKPOINT.fullmatch(line) or END.fullmatch(line) for line in made if line != following):
            refused(at, made, min(at + 2, len(LINES)))
        return len(made) != 1 + bool(following) or any(_no_form(line) for line in made)
    if (event := EVENT.fullmatch(edited)) is not None:
        was = EVENT.fullmatch(before)
        return was is None or leaf_of(*event.groups()) != leaf_of(*was.groups())
    if (checkpoint := CHECKPOINT.fullmatch(edited)) is not None:
        return _checkpoint_noticed(checkpoint.groups(), before)
    if (end := END.fullmatch(edited)) is not None:
        return opened(end[2], END_TYPE) != end[1]
    return True  # of no form, which is refused wherever it stands


def _no_form(line: bytes) -> bool:
    return not any(form.fullmatch(line) for form in (EVENT, CHECKPOINT, END))


def _checkpoint_noticed(edited: tuple[bytes, ...], before: bytes) -> bool:
    payload, jws, leaves = edited
    was = CHECKPOINT.fullmatch(before)
    assert was is not None, "an event or an end has become a checkpoint"
    if opened(jws, CHECKPOINT_TYPE) != payload:
        return True
    assert (payload, jws) == was.groups()[:2], "another signed checkpoint"
    try:
        return unpack_leaves(leaves) != unpack_leaves(was[3])
    except BadForm:
        return True


def moved(line: bytes) -> Iterator[bytes]:
    """The line with each of its bytes deleted, doubled, and swapped with the next."""
    for at in range(len(line)):
        yield line[:at] + line[at + 1 :]
        yield line[: at + 1] + line[at:]
        if line[at : at + 1] != line[at + 1 : at + 2] != b"":
            yield line[:at] + line[at + 1 : at + 2] + line[at : at + 1] + line[at + 2 :]


def edits(line: bytes, values: Callable[[int], bytes]) -> Iterator[bytes]:
    """The line with each of its bytes replaced by each of some others."""
    for at, byte in enumerate(line):
        start, end = line[:at], line[at + 1 :]
        for value in values(byte):
            if value != byte:
                yield b"%b%c%b" % (start, value, end)


def two(byte: int) -> bytes:
    """Two others: one by a bit, and one that depends on all of them."""
    return bytes({byte ^ 1, byte ^ (2 << byte % 7)})


def test_every_byte_of_every_event_changed_deleted_doubled_or_swapped_is_noticed() -> None:
    for at, line in enumerate(LINES):
        if at not in CHECKPOINTS and at != LAST:
            for edited in itertools.chain(edits(line, two), moved(line)):
                assert noticed(at, edited), (at, edited)


@pytest.mark.parametrize("at", [CHECKPOINTS[10], LAST])
def test_every_byte_of_checkpoints_and_of_the_end_changed_deleted_doubled_or_swapped_is_noticed(at: int) -> None:
    for edited in itertools.chain(edits(LINES[at], two), moved(LINES[at])):
        assert noticed(at, edited), (at, edited)


def test_what_is_said_of_an_edit_by_its_form_is_what_the_check_itself_says() -> None:
    chance = random.Random(2)
    for _ in range(3000):
        at = chance.choice([chance.randrange(len(LINES)), *CHECKPOINTS, LAST])
        edited = bytearray(LINES[at])
        edited[chance.randrange(len(edited))] = chance.choice([chance.randrange(256), 10, 123, 125])
        if bytes(edited) != LINES[at]:
            assert noticed(at, bytes(edited))
            refused(at, lines_of(bytes(edited) + (b"" if at == LAST else LINES[at + 1])), min(at + 2, len(LINES)))


IN_LEAVES = bytes(range(32, 127)) + b"\t\n\r\x00\xff"
"""What a byte in the list of leaves becomes: no other is in its alphabet either, and no line with it has a form."""


def every_edit(line: bytes) -> Iterator[bytes]:
    """The line with each of its bytes replaced by all others."""
    leaves = line.find(b',"leaves":"') + len(b',"leaves":"') if CHECKPOINT.fullmatch(line) else len(line)
    end = line.rfind(b'"')
    for at, byte in enumerate(line):
        for value in IN_LEAVES if leaves <= at < end else range(256):
            if value != byte:
                yield b"%b%c%b" % (line[:at], value, line[at + 1 :])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("run", range(RUNS))
def test_every_byte_to_every_other_value_is_noticed(run: int) -> None:
    for at in range(run * WHOLE, (run + 1) * WHOLE + (run == RUNS - 1)):
        for edited in itertools.chain(every_edit(LINES[at]), moved(LINES[at])):
            if not noticed(at, edited):
                raise AssertionError((at, edited))
