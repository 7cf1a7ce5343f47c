"""`vend audit …` at the real gateway."""

import json
import re
import signal
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.cli.vend import Vend

if TYPE_CHECKING:
    from vendor.dev.stack import Stack


@pytest.fixture
def carol(alice: Vend, seaweedfs_stack: "Stack") -> Vend:
    """The same installation, with the administrator's token."""
    return Vend(alice.home, {**alice.environ, "VENDOR_TOKEN": seaweedfs_stack.tokens["carol"]})


def leased(vend: Vend, reason: str) -> str:
    made: str = vend("lease", "--json", "--reason", reason, "--renewable-for", "1h").json["lease"]["id"]
    return made


def test_one_reads_about_oneself(alice: Vend) -> None:
    reason = uuid.uuid4().hex
    lease = leased(alice, reason)
    shown = alice("audit", "show", "--lease", lease, "--since", "1h")
    assert (shown.code, shown.err) == (0, "")
    time, kind, who, decision, what, cursor = shown.out.rstrip("\n").split("\t")
    assert (kind, who, decision, what) == ("vend.issued", "alice", "allowed", f"lease {lease}")
    assert re.fullmatch(r"20\d\d-.*Z", time)

    full = alice("audit", "show", cursor)
    assert re.search(rf"^audit_context\.reason +{reason}$", full.out, re.MULTILINE)
    (as_json,) = [json.loads(line) for line in alice("audit", "show", "--json", "--lease", lease).out.splitlines()]
    assert as_json == alice("audit", "show", cursor, "--json").json
    assert as_json["cursor"] == cursor

    refused = alice("audit", "show", "--user", "bob")
    assert (refused.code, refused.out) == (1, "")
    assert alice("audit", "show", "0-1").code == 1
    for arguments in (["--since", "soon"], ["--limit", "0"], ["--kind", "nonsense"], ["--user", "../x"]):
        assert alice("audit", "show", *arguments).code == 2


def test_tail_prints_events_as_they_come(alice: Vend) -> None:
    followers = [alice.start("audit", "tail", "--kind", "vend.issued", *more) for more in ([], ["--json"])]
    lease = ""
    for running in followers:
        assert running.stdout is not None
        assert running.stderr is not None
    # Whether they have begun to listen cannot be seen from outside; so leases are made until both have told one.
    lines: list[str] = []
    readers = [threading.Thread(target=lambda r=r: lines.append(r.stdout.readline())) for r in followers]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        lease = leased(alice, "tail")
        for reader in readers:
            reader.join(0.5)
    human, machine = sorted(lines, key=lambda line: line.startswith("{"))
    assert re.search(r"Z  vend\.issued  alice  allowed  lease l_", human)
    assert json.loads(machine)["kind"] == "vend.issued"
    assert lease
    for running in followers:
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert running.stderr is not None
        assert running.stderr.read().strip() in {"", "Aborted!", "Aborted."}


def test_the_log_is_checked_on_the_way_and_offline(carol: Vend) -> None:
    straight = carol("audit", "verify")
    assert straight.code == 0, straight.err
    assert re.search(r"^as it was sealed +yes$", straight.out, re.MULTILINE)

    done = carol("audit", "export", "--output", "log.ndjson", "--json")
    assert done.code == 0, done.err
    file = carol.home / "log.ndjson"
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.json["lines"] == len(file.read_bytes().splitlines())
    keys = carol.home / "keys.json"
    keys.write_text(json.dumps(fetch_keys(carol)))
    offline = {"VENDOR_URL": "http://127.0.0.1:9", "VENDOR_TOKEN": ""}
    sound = carol("audit", "verify", "log.ndjson", "--keys", "keys.json", "--json", env=offline)
    assert (sound.code, sound.json["sound"]) == (0, True)

    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2] + lines[3:]))
    broken = carol("audit", "verify", "log.ndjson", "--keys", "keys.json", env=offline)
    assert broken.code == 1
    assert broken.out.startswith("not as it was sealed: line ")
    assert carol("audit", "verify", "log.ndjson", "--keys", "keys.json", "--json").json["sound"] is False
    keys.write_text('{"keys": []}')
    assert carol("audit", "verify", "log.ndjson", "--keys", "keys.json").code in {1, 2}
    assert carol("audit", "verify", "gone.ndjson").code == 2
    assert carol("audit", "verify", "--keys", "gone.json").code == 2


def fetch_keys(vend: Vend) -> object:
    return httpx2.get(vend.environ["VENDOR_URL"] + "/.well-known/audit-keys.json", trust_env=False).json()


def test_an_export_is_whole_or_not_there(alice: Vend, carol: Vend, tmp_path: Path) -> None:
    refused = alice("audit", "export", "--output", "log.ndjson")
    assert (refused.code, refused.out) == (1, "")
    assert "administrator" in refused.err
    assert not (alice.home / "log.ndjson").exists()
    assert [path.name for path in alice.home.iterdir() if "ndjson" in path.name] == []
    assert carol("audit", "export", "--output", "-").out.startswith('{"cursor":')
    assert carol("audit", "export", "--output", "-", "--json").code == 2


def test_a_steward_reviews_a_tenant(alice: Vend, seaweedfs_stack: "Stack") -> None:
    told = alice("audit", "review", "--tenant", "kbase", "--since", "90d")
    assert (told.code, told.err) == (0, "")
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert {row[0] for row in rows if row[1] == "member"} >= {"alice", "bob"}
    assert {len(row) for row in rows} == {10}

    found = alice("audit", "review", "--tenant", "kbase", "--json").json
    assert {row["who"] for row in found["rows"]} == {row[0] for row in rows}
    table = alice("audit", "review", "--tenant", "kbase", "--csv")
    assert table.out.splitlines()[0] == "who,through,access,path,begun,until,leases,writing,last_used,finding"
    assert len(table.out.splitlines()) == len(rows) + 1

    bob = Vend(alice.home, {**alice.environ, "VENDOR_TOKEN": seaweedfs_stack.tokens["bob"]})
    refused = bob("audit", "review", "--tenant", "kbase", "--csv")
    assert (refused.code, refused.out) == (1, "")
    for arguments in (["--tenant", "kbase", "--since", "soon"], [], ["--tenant", "kbase", "--csv", "--json"]):
        assert alice("audit", "review", *arguments).code == 2
