"""Programs that run for several lives of their leases, and what is left of the lease when they have ended."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.cli.test_lease import BUCKET, TENANT, s3
from tests.cli.vend import Vend
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

HELLO = TENANT + "hello.txt"
LOOP = f"""
import boto3, json, os, sys, time
s3 = boto3.client("s3")
calls, seen, end = 0, [], time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    s3.get_object(Bucket={BUCKET!r}, Key={HELLO!r})["Body"].read()
    calls += 1
    keys = s3._request_signer._credentials.get_frozen_credentials()
    if keys.access_key not in seen:
        seen.append(keys.access_key)
    time.sleep(0.25)
print(json.dumps({{"calls": calls, "keys": seen, "last": {{
    "AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key, "AWS_SESSION_TOKEN": keys.token,
    "AWS_ENDPOINT_URL_S3": os.environ["AWS_ENDPOINT_URL_S3"], "AWS_REGION": os.environ["AWS_REGION"],
}}}}))
"""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("store", "life", "seconds"),
    [
        pytest.param("juicefs", 5, 12, id="12s-of-5s-leases"),
        pytest.param("seaweedfs", 20, 120, id="2min-of-20s-leases", marks=pytest.mark.slow),
    ],
)
def test_a_loop_outlives_its_lease_and_the_lease_dies_with_it(
    vend: Vend, request: pytest.FixtureRequest, store: str, life: int, seconds: int
) -> None:
    stack: Stack = request.getfixturevalue(f"{store}_stack")
    vend.environ |= {"VENDOR_URL": stack.gateway.url, "VENDOR_TOKEN": stack.tokens["alice"]}
    job = f"loop of {seconds}"
    running = vend.start(
        *("exec", "--duration", str(life), "--job", job, "--read", f"s3://{BUCKET}/{TENANT}", "--"),
        *(sys.executable, "-c", LOOP, str(seconds)),
    )
    out, err = running.communicate(timeout=seconds + 120)
    assert (running.returncode, err) == (0, "")
    told = json.loads(out)
    assert told["calls"] > seconds
    assert len(told["keys"]) >= seconds // life

    issued, *renewed, revoked = events_of(vend, told["keys"][0])
    assert issued["audit_context"] == {"job": job}
    assert {event["kind"] for event in renewed} == {"vend.renewed"}
    assert revoked["kind"] == "lease.revoked"
    assert vend("leases", issued["lease"]).out.count(issued["lease"]) <= 1
    assert issued["lease"] not in vend("leases").out
    left = datetime.fromisoformat(revoked["at_latest"]) - datetime.now(UTC)
    dead_soon(told["last"], at_once=revoked["effective"] == "now", within=max(left.total_seconds(), 0) + 10)


def events_of(vend: Vend, access_key: str) -> list[dict[str, Any]]:
    first = vend("audit", "show", "--json", "--access-key", access_key).out.splitlines()
    lease = json.loads(first[0])["lease"]
    return [json.loads(line) for line in vend("audit", "show", "--json", "--lease", lease).out.splitlines()]


def dead_soon(keys: dict[str, str], *, at_once: bool, within: float) -> None:
    client = s3(keys)

    def dead() -> bool:
        try:
            client.get_object(Bucket=BUCKET, Key=HELLO)
        except ClientError:
            return True
        return False

    if at_once:
        assert dead()
    eventually(dead, within=within, what="the end of the keys")


def test_static_keys_die_with_the_program_too(vend: Vend, juicefs_stack: "Stack") -> None:
    vend.environ |= {"VENDOR_URL": juicefs_stack.gateway.url, "VENDOR_TOKEN": juicefs_stack.tokens["alice"]}
    shown = vend("exec", "--env", "--duration", "900", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID")
    assert shown.code == 0, shown.err
    assert [event["kind"] for event in events_of(vend, shown.out.strip())] == ["vend.issued", "lease.revoked"]


def test_no_process_is_left_behind(vend: Vend, juicefs_stack: "Stack") -> None:
    vend.environ |= {"VENDOR_URL": juicefs_stack.gateway.url, "VENDOR_TOKEN": juicefs_stack.tokens["alice"]}
    running = vend.start("exec", "--", "sh", "-c", "echo $PPID; exec sleep 0")
    out, _err = running.communicate(timeout=60)
    assert int(out) == running.pid
    assert subprocess.run(["ps", "--ppid", out.strip()], capture_output=True, check=False).returncode == 1
