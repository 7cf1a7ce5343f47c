"""The tamper suite: whatever is done to an export is noticed, and the first bad record is named.

`test_tamper` goes through all there is to do; here it is about what is said of it.
"""

import json
import random
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.sealed.logs import Log, sign
from vendor.sealed import merkle
from vendor.sealed.keys import AuditKeys, BadKeys, read_keys
from vendor.sealed.records import CHECKPOINT_TYPE, EVENT, checkpoint_line, leaf_of, payload_of, proof_line
from vendor.sealed.verify import BadRecord, verify, verify_proof

RUNS, IN_RUN = 20, 100  # 2,000 events
LOG = Log(RUNS, IN_RUN)
LINES = LOG.lines()
KEYS = LOG.keys
CHECKPOINTS = [at for at, line in enumerate(LINES) if line.startswith(b'{"checkpoint"')]


def refused(lines: list[bytes], keys: AuditKeys = KEYS) -> BadRecord:
    """Check lines that must be refused."""
    with pytest.raises(BadRecord) as caught:
        verify(lines, keys)
    return caught.value


def test_what_was_not_touched_is_accepted() -> None:
    found = verify(LINES, KEYS)

    assert (found.events, found.checkpoints, found.number, found.unsealed) == (2000, 20, 20, 0)
    assert (found.first, found.last, found.ended) == ("1-0", "2000-0", True)


def edits(line: bytes) -> Iterator[bytes]:
    """The line with each of its bytes changed, once by a bit and once at random."""
    chance = random.Random(7)
    for at in range(len(line)):
        for byte in {line[at] ^ 1, line[at] ^ (1 << chance.randrange(1, 8))}:
            yield line[:at] + bytes([byte]) + line[at + 1 :]


def test_every_edit_of_a_byte_of_an_event_changes_its_leaf_or_its_form() -> None:
    for line in LINES:
        before = EVENT.fullmatch(line)
        if before is None:
            continue
        leaf = leaf_of(*before.groups())
        for edited in edits(line):
            after = EVENT.fullmatch(edited)
            assert after is None or leaf_of(*after.groups()) != leaf


def test_an_edited_event_is_named() -> None:
    chance = random.Random(3)
    for _ in range(300):
        at = chance.randrange(len(LINES) - 1)
        if at in CHECKPOINTS:
            continue
        edited = chance.choice(list(edits(LINES[at])))
        bad = refused([*LINES[:at], edited, *LINES[at + 1 :]])

        assert bad.line == at + 1, bad


@pytest.mark.parametrize("at", [CHECKPOINTS[0], CHECKPOINTS[9], CHECKPOINTS[-1], len(LINES) - 1])
def test_every_edit_of_a_byte_of_a_checkpoint_and_of_the_end_is_named(at: int) -> None:
    small = Log(2, 3, LOG.key)
    lines = small.lines()
    where = {CHECKPOINTS[0]: 3, CHECKPOINTS[9]: 3, CHECKPOINTS[-1]: 7, len(LINES) - 1: 8}[at]
    for edited in edits(lines[where]):
        bad = refused([*lines[:where], edited, *lines[where + 1 :]])
        assert bad.line in {where + 1, where + 2}, bad


@pytest.mark.parametrize("count", [1, 2, 57])
def test_deleted_events_are_noticed_wherever_they_were(count: int) -> None:
    for at in [0, 1, 50, 99, 102, 700, 1500, 2017, *random.Random(count).sample(range(2000), 60)]:
        kept = LINES[:at] + LINES[at + count :]
        bad = refused(kept)
        assert bad.line in {at + 1, *range(at + 2 - count, at + 2)} or any(
            c in range(at, at + count) for c in CHECKPOINTS
        )


@pytest.mark.parametrize("at", CHECKPOINTS)
def test_a_deleted_checkpoint_is_noticed(at: int) -> None:
    refused(LINES[:at] + LINES[at + 1 :])


@pytest.mark.parametrize("run", range(RUNS))
def test_a_deleted_run_with_its_checkpoint_is_noticed(run: int) -> None:
    bad = refused(LINES[: run * 101] + LINES[(run + 1) * 101 :])

    assert "checkpoint" in str(bad)


def test_swapped_records_are_noticed() -> None:
    chance = random.Random(5)
    pairs = [(at, at + 1) for at in range(0, len(LINES) - 2, 13)]
    pairs += [tuple(chance.sample(range(len(LINES)), 2)) for _ in range(100)]  # type: ignore[misc]  # two of them
    for one, other in pairs:
        changed = list(LINES)
        changed[one], changed[other] = changed[other], changed[one]
        bad = refused(changed)
        if {one, other}.isdisjoint(CHECKPOINTS) and len(LINES) - 1 not in {one, other}:
            assert bad.line == min(one, other) + 1, bad


def test_repeated_records_are_noticed() -> None:
    for at in [*range(0, len(LINES), 17), *CHECKPOINTS, len(LINES) - 1]:
        bad = refused([*LINES[: at + 1], LINES[at], *LINES[at + 1 :]])
        assert bad.line == at + 2, bad


def test_an_inserted_event_is_named() -> None:
    foreign = b'{"cursor":"3-1","revision":null,"event":{"kind":"vend.issued"}}\n'
    for at in (0, 3, 99, 100, 101, 1000):
        bad = refused([*LINES[:at], foreign, *LINES[at:]])
        assert (bad.line, bad.record) == (at + 1, "event 3-1")
        assert "was not there" in bad.problem


@pytest.mark.parametrize("kept", [0, 1, 100, 101, 102, 1111, len(LINES) - 102, len(LINES) - 2, len(LINES) - 1])
def test_a_cut_between_records_is_noticed(kept: int) -> None:
    refused(LINES[:kept])


def test_a_cut_at_any_byte_of_the_last_records_is_noticed() -> None:
    lines = Log(2, 3, LOG.key).lines()
    whole = b"".join(lines)
    for size in range(len(whole)):
        with pytest.raises(BadRecord):
            verify(whole[:size].splitlines(keepends=True), KEYS)


@pytest.mark.parametrize("dropped", [1, 5, 19])
def test_a_missing_beginning_is_noticed(dropped: int) -> None:
    bad = refused(LINES[dropped * 101 :])

    assert "checkpoint 1" in str(bad)


def test_a_chain_signed_again_with_another_key_is_noticed() -> None:
    forged = Log(RUNS, IN_RUN, kid="k1").lines()
    unknown = Log(RUNS, IN_RUN, kid="k2").lines()

    assert "signature" in str(refused(forged))
    assert "not among the given" in str(refused(unknown))


def test_runs_of_another_log_of_the_same_key_do_not_fit() -> None:
    other = Log(RUNS, IN_RUN, LOG.key).lines()

    refused([*LINES[:101], *other[101:]])


def test_an_honest_tree_of_other_events_under_the_old_signature_is_noticed() -> None:
    text = LINES[0].replace(b"vend.issued", b"vend.denied")

    bad = refused([text, *LINES[1:]])

    assert (bad.line, bad.record) == (1, "event 1-0")
    assert "not what was sealed" in bad.problem


def test_where_the_list_of_leaves_was_edited_too_the_checkpoint_is_named() -> None:
    text = LINES[0].replace(b"vend.issued", b"vend.denied")
    found = EVENT.fullmatch(text)
    assert found is not None
    jws = json.loads(LINES[100])["jws"]
    leaves = [leaf_of(*found.groups()), *(merkle.leaf(b"") for _ in range(99))]
    import base64

    line = checkpoint_line(jws, base64.b64encode(b"".join(leaves)).decode())
    bad = refused([text, *LINES[1:100], line.encode(), *LINES[101:]])

    assert bad.record == "checkpoint 1"


def test_a_checkpoint_cannot_pass_for_an_end() -> None:
    jws = json.loads(LINES[-2])["jws"]
    line = b'{"end":' + payload_of(jws) + b',"jws":"' + jws.encode() + b'"}\n'

    assert "header" in str(refused([*LINES[:-1], line]))


def test_what_a_sink_received_has_no_end_and_may_hold_runs_twice() -> None:
    received = LINES[: 5 * 101] + LINES[3 * 101 : 5 * 101] + LINES[5 * 101 : -1] + LINES[:0]

    found = verify(received, KEYS, whole=False)

    assert (found.events, found.checkpoints, found.number) == (2000, 20, 20)
    with pytest.raises(BadRecord):
        verify(LINES[: 5 * 101] + LINES[6 * 101 : -1], KEYS, whole=False)


def test_events_after_the_last_checkpoint_of_a_sink_are_counted() -> None:
    assert verify(LINES[:150], KEYS, whole=False).unsealed == 49


def test_a_proof_holds_for_its_event_alone() -> None:
    for at in (0, 1, 63, 98, 99):
        parts = [EVENT.fullmatch(line) for line in LINES[:100]]
        leaves = [leaf_of(*part.groups()) for part in parts if part]
        jws = json.loads(LINES[100])["jws"]
        text = LOG.text(at + 1)
        line = proof_line(f"{at + 1}-0", None, text, at, merkle.path(leaves, at), jws).encode()

        cursor, said = verify_proof(line, KEYS)

        assert (cursor, said.number) == (f"{at + 1}-0", 1)
        for edited in edits(line):
            if edited == line[:-1] + b"":
                continue
            with pytest.raises(BadRecord):
                verify_proof(edited, KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys":[]}',
        '{"keys":[{"kty":"RSA","kid":"a"}]}',
        '{"keys":[{"kty":"EC","kid":"a"}]}',
        "{" * 99999,
    ],
)
def test_files_that_are_no_keys(text: str) -> None:
    with pytest.raises(BadKeys):
        read_keys(text)


def test_a_private_key_is_no_public_key() -> None:
    from jwt.algorithms import ECAlgorithm

    with pytest.raises(BadKeys):
        read_keys(json.dumps({"keys": [{**ECAlgorithm.to_jwk(LOG.key, as_dict=True), "kid": "k1"}]}))


def test_the_key_of_another_curve_is_refused() -> None:
    from jwt.algorithms import ECAlgorithm

    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(BadKeys):
        read_keys(json.dumps({"keys": [{**ECAlgorithm.to_jwk(key, as_dict=True), "kid": "k1"}]}))


def test_checking_is_fast_and_its_memory_flat() -> None:
    log = Log(20, 1000, LOG.key)
    log.text = lambda number: json.dumps({"event_id": f"e_{number}", "padding": "x" * 1100})  # type: ignore[method-assign]
    lines = log.lines()

    began = time.process_time()
    verify(iter(lines), KEYS)
    rate = 20_000 / (time.process_time() - began)

    tracemalloc.start()
    verify(iter(lines), KEYS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rate > 50_000, rate
    assert peak < 4_000_000, peak


def test_what_is_signed_is_what_is_shown() -> None:
    said = json.loads(LINES[100])
    shown = json.dumps({**said["checkpoint"], "count": 99}, sort_keys=True, separators=(",", ":")).encode()
    line = LINES[100].replace(payload_of(said["jws"]), shown, 1)
    assert line != LINES[100]

    assert "not what was signed" in str(refused([*LINES[:100], line, *LINES[101:]]))
    assert sign(LOG.key, b"{}", CHECKPOINT_TYPE)
