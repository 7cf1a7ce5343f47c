"""`vendor audit …`: check what the audit log left behind, offline."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from vendor.audit.join import COLUMNS, Leases, exported_events, joined
from vendor.audit.table import csv_lines
from vendor.sealed.keys import AuditKeys, BadKeys, read_keys
from vendor.sealed.records import PROOF
from vendor.sealed.verify import LONGEST_LINE, BadRecord, Checking, verify_proof


def verify(files: Sequence[Path], keys_file: Path, *, open_end: bool) -> int:
    """Check an export, the proof of one event, or with `open_end` the files of a sink in the order of delivery.

    0 when all is as it was sealed; 1, and a line on stderr, for the first record that is not; 2 for files that cannot
    be read.
    """
    try:
        keys = read_keys(keys_file.read_bytes())
        return _checked(files, keys, open_end=open_end)
    except BadKeys as problem:
        return _refuse(f"{keys_file}: {problem}")
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")


def join(log: Path, audit: Sequence[Path], *, as_csv: bool, unknown: bool) -> int:
    """Print every access in a store's log with the user, lease and reason behind it: NDJSON, or CSV.

    With `unknown` only accesses that no lease is known for.  2 for files that cannot be read.
    """
    try:
        leases = Leases(event for file in audit for event in exported_events(_lines(file)))
        found = (one for one in joined(_lines(log), leases) if not unknown or one.lease is None)
        rows = (one.answer() for one in found)
        if as_csv:
            for line in csv_lines(COLUMNS, rows):
                sys.stdout.write(line)
            return 0
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")
    except OSError as problem:
        return _refuse(f"{problem.filename}: {problem.strerror}")
    return 0


def _checked(files: Sequence[Path], keys: AuditKeys, *, open_end: bool) -> int:
    checking = Checking(keys, repeats=open_end)
    at, before, lines = files[0], 0, 0
    try:
        for at in files:
            before = lines
            for line in _lines(at):
                if not lines and PROOF.fullmatch(line):
                    return _proved(line, keys)
                lines += 1
                checking.feed(line)
        found = checking.finish(whole=not open_end)
    except BadRecord as bad:
        place = bad.line - before if bad.line > before else bad.line
        sys.stderr.write(f"vendor: {at}, line {place}: {bad.record}: {bad.problem}\n")
        return 1
    sys.stdout.write(f"{found.events} events in {found.checkpoints} checkpoints are as they were sealed.\n")
    if found.checkpoints:
        sys.stdout.write(f"from {found.first} to {found.last}; checkpoint {found.number} of {found.time}\n")
        sys.stdout.write(f"sha256 of its JWS: {found.digest}\n")
    if found.unsealed:
        sys.stdout.write(f"{found.unsealed} events after it are not sealed here\n")
    return 0


def _proved(line: bytes, keys: AuditKeys) -> int:
    cursor, said = verify_proof(line, keys)
    sys.stdout.write(f"event {cursor} is sealed by checkpoint {said.number} of {said.time}.\n")
    return 0


def _lines(file: Path) -> Iterator[bytes]:
    if str(file) == "-":
        yield from _bounded(sys.stdin.buffer)
        return
    with file.open("rb") as stream:
        yield from _bounded(stream)


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE):
        yield line


def _refuse(problem: str) -> int:
    sys.stderr.write(f"vendor: {problem}\n")
    return 2
