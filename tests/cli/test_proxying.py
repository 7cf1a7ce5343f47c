"""`vend proxy` as people run it."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.vend import Vend
from vendor.dev.store import KeyPair, s3_client

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

BUCKET, HOME = "cdm-lake", "users-general-warehouse/alice/"
READER = f"""
import boto3, json, os
s3 = boto3.client("s3")
s3.put_object(Bucket="{BUCKET}", Key="{HOME}by-pair", Body=b"x")
print(json.dumps({{name: value for name, value in os.environ.items() if name.startswith(("AWS_", "VENDOR_"))}}))
"""


def live(vend: Vend) -> set[str]:
    return {str(lease["id"]) for lease in vend("leases", "--json").json["leases"]}


def test_a_command_gets_a_pair_and_nothing_else(alice: Vend) -> None:
    before = live(alice)
    said = alice("proxy", "--write", f"s3://{BUCKET}/{HOME}", "--", sys.executable, "-c", READER)

    assert said.code == 0, said.err
    seen = json.loads(said.out)
    assert seen["AWS_ACCESS_KEY_ID"].startswith("VEND")
    assert seen["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "AWS_SESSION_TOKEN" not in seen
    assert "VENDOR_TOKEN" not in seen
    assert live(alice) <= before, "the lease ended with the command"


def test_it_serves_until_a_signal_and_keeps_its_pair(alice: Vend) -> None:
    pairs = []
    for _ in range(2):
        running = alice.start("proxy", "--pair-file", str(alice.home / "pair"), "--format", "dotenv")
        assert running.stdout is not None
        lines: dict[str, str] = {}
        while "AWS_EC2_METADATA_DISABLED" not in lines:
            name, _, value = running.stdout.readline().strip().partition("=")
            lines[name] = value.strip("'\"")
        pair = KeyPair(lines["AWS_ACCESS_KEY_ID"], lines["AWS_SECRET_ACCESS_KEY"])
        s3_client(lines["AWS_ENDPOINT_URL"], pair).put_object(Bucket=BUCKET, Key=f"{HOME}served", Body=b"x")
        pairs.append(pair)
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(20) == 0
    assert pairs[0] == pairs[1]


def test_a_lease_token_is_enough(alice: Vend, seaweedfs_stack: "Stack", tmp_path: Path) -> None:
    lease = alice("lease", "--write", f"s3://{BUCKET}/{HOME}", "--renewable-for", "1h", "--json").json
    file = tmp_path / "token"
    file.write_text(lease["lease_token"])
    file.chmod(0o600)
    nobody = {"VENDOR_TOKEN": ""}

    said = alice("proxy", "--lease-token-file", str(file), "--", sys.executable, "-c", READER, env=nobody)
    assert said.code == 0, said.err
    assert alice("leases", lease["lease"]["id"], "--json").code == 0, "it goes on: somebody else began it"

    both = alice("proxy", "--lease-token-file", str(file), "--read", f"s3://{BUCKET}/{HOME}")
    assert both.code == 2
    assert "not both" in both.err
