"""`vendor import mms`: read, recover, write, and say what could not be taken over."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from vendor.operate.import_mms.folder import read_folder, read_tables
from vendor.operate.import_mms.minio import read_minio
from vendor.operate.import_mms.recover import recover
from vendor.operate.import_mms.recovered import Recovered
from vendor.operate.import_mms.source import Report, Source, SourceError
from vendor.operate.import_mms.write import state_file
from vendor.policy.layout import load_layout
from vendor.policy.tables import PolicyFileError
from vendor.secret import Secret
from vendor.settings import shipped_policies

KEY, SECRET = "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"
"""The environment variables that MMS itself reads; a secret on a command line would be in the list of processes."""
_SHOWN: Final = 40


def run(
    *,
    folder: Path | None,
    minio: str | None,
    output: Path,
    report: Path | None,
    policies: Path | None,
    strict: bool,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Import.  0 when done, 1 when something was skipped and `strict` is set, 2 when nothing could be read."""
    try:
        source = _source(folder, minio, environment)
        layout = load_layout((policies or shipped_policies()) / "layout.toml")
        state, found = recover(source, layout)
        _write(output, b"".join(state_file(state, time.time())))
        if report is not None:
            _write(report, json.dumps(asdict(found), indent=1, ensure_ascii=False).encode() + b"\n")
    except (SourceError, PolicyFileError) as problem:
        sys.stderr.write(f"vendor: {problem}\n")
        return 2
    except OSError as problem:
        sys.stderr.write(f"vendor: {problem.filename} cannot be written ({problem.strerror})\n")
        return 2
    _tell(state, found, full=report is not None)
    return 1 if strict and found.skipped else 0


def _source(folder: Path | None, minio: str | None, environment: Mapping[str, str]) -> Source:
    if minio is None and folder is None:
        raise SourceError("say where to read from: --folder, --minio, or both for MinIO with the exported tables")
    if minio is None:
        assert folder is not None  # noqa: S101 - looked at above
        return read_folder(folder)
    key, secret = environment.get(KEY), environment.get(SECRET)
    if not key or not secret:
        raise SourceError(f"{KEY} and {SECRET} are needed in the environment, as MMS has them")
    source = read_minio(minio, key, Secret(secret))
    return source if folder is None else replace(source, tables=read_tables(folder))


def _write(file: Path, content: bytes) -> None:
    """Write a file that nobody else can read: it says who works with whom."""
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _tell(state: Recovered, report: Report, *, full: bool) -> None:
    members = sum(len(tenant.members) for tenant in state.tenants.values())
    stewards = sum(len(tenant.stewards) for tenant in state.tenants.values())
    sys.stderr.write(
        f"vendor: {len(state.users)} users, {len(state.tenants)} tenants, {members} members, {stewards} stewards, "
        f"{len(state.shares)} shares; no keys were imported\n"
    )
    for heading, findings in (("not taken over", report.skipped), ("means something else now", report.noted)):
        for finding in findings[:_SHOWN]:
            sys.stderr.write(f"vendor: {heading}: {finding.kind} {finding.subject}: {finding.text}\n")
        if len(findings) > _SHOWN:
            rest = "the report has them all" if full else "--report FILE has them all"
            sys.stderr.write(f"vendor: {heading}: {len(findings) - _SHOWN} more; {rest}\n")
