"""A store's log joined with the audit log, and tables that no spreadsheet runs."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from vendor.audit.join import COLUMNS, Leases, exported_events, joined
from vendor.audit.table import csv_lines, safe

LEASE = "l_" + "a2" * 10
ISSUED = {
    "kind": "vend.issued",
    "decision": "allowed",
    "lease": LEASE,
    "access_key_id": "AKID1",
    "actor": {"name": "alice"},
    "audit_context": {"reason": "=cmd()|' /C calc'!A0"},
}
RENEWED = {**ISSUED, "kind": "vend.renewed", "access_key_id": "AKID2"}
DENIED = {**ISSUED, "decision": "denied", "access_key_id": "AKID9", "lease": "l_" + "b2" * 10}
MINIO = {
    "version": "1",
    "time": "2026-11-21T06:00:01.5Z",
    "api": {"name": "GetObject", "bucket": "cdm-lake", "object": "x/a.parquet", "statusCode": 200},
    "remotehost": "192.0.2.7",
    "accessKey": "AKID2",
    "parentUser": "vendor",
}
SEAWEEDFS = {
    "bucket": "cdm-lake",
    "time": 1763704801,
    "remote_ip": "192.0.2.8",
    "requester": f"vendor/alice-{LEASE}",
    "operation": "REST.PUT.OBJECT",
    "key": "/x/b",
    "http_status": 403,
}
STRANGER = {**MINIO, "accessKey": "ROOT"}


def lines(*records: object) -> list[bytes]:
    return [json.dumps(record).encode() + b"\n" for record in records]


def export() -> list[bytes]:
    wrapped = [
        {"cursor": f"{at}-0", "revision": None, "event": one} for at, one in enumerate((ISSUED, RENEWED, DENIED))
    ]
    return lines(*wrapped, {"checkpoint": {}, "jws": ""})


def test_every_access_gets_the_lease_behind_it() -> None:
    leases = Leases(exported_events(export()))
    found = list(joined([*lines(MINIO, SEAWEEDFS, STRANGER), b"no json\n", b"[]\n"], leases))

    assert [(one.lease.user if one.lease else None, one.path, one.status) for one in found] == [
        ("alice", "s3://cdm-lake/x/a.parquet", "200"),
        ("alice", "s3://cdm-lake/x/b", "403"),
        (None, "s3://cdm-lake/x/a.parquet", "200"),
    ]
    assert [one.lease.id if one.lease else "" for one in found] == [LEASE, LEASE, ""]


def test_keys_that_were_never_given_are_nobody_s() -> None:
    leases = Leases(exported_events(export()))

    (found,) = joined(lines({**MINIO, "accessKey": "AKID9"}), leases)
    assert found.lease is None


def test_what_the_api_answered_can_be_joined_too() -> None:
    leases = Leases(exported_events(lines({"cursor": "1-0", **ISSUED})))

    (found,) = joined(lines({**MINIO, "accessKey": "AKID1"}), leases)
    assert found.lease is not None


def test_the_command_prints_rows_and_csv(tmp_path: Path) -> None:
    log, audit = tmp_path / "access.log", tmp_path / "audit.ndjson"
    log.write_bytes(b"".join(lines(MINIO, STRANGER)))
    audit.write_bytes(b"".join(export()))
    command = [sys.executable, "-m", "vendor.operate.main", "audit", "join", str(log), "--audit", str(audit)]

    def run(*more: str) -> str:
        return subprocess.run([*command, *more], capture_output=True, text=True, timeout=60, check=True).stdout

    assert [json.loads(line)["user"] for line in run().splitlines()] == ["alice", ""]
    assert [json.loads(line)["access_key"] for line in run("--unknown").splitlines()] == ["ROOT"]
    rows = list(csv.DictReader(io.StringIO(run("--csv"))))
    assert rows[0]["reason"] == "'=cmd()|' /C calc'!A0"
    assert set(rows[0]) == set(COLUMNS)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|x", "%x", "\n=1", "\x00=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    cell = safe(text)
    (row,) = csv.DictReader(io.StringIO("".join(csv_lines(["a", "b"], [{"a": text, "b": 'x,"y"\r\n'}]))))

    assert cell.startswith("'")
    assert row == {"a": cell, "b": 'x,"y"\r\n'}


@pytest.mark.parametrize("text", ["alice", "a=b", "s3://x/y", "", "l_abc"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe(text) == text
    assert (safe(3), safe(-3), safe(None)) == ("3", "-3", "")
