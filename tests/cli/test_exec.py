"""`vend exec` and `vend server` on real servers: keys that outlive one lease."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_lease import BUCKET, TENANT, through_bash
from tests.cli.vend import Vend
from tests.client.leases import lease
from tests.client.stub import Reply, Seen, Stub, stub_server
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

HELLO = TENANT + "hello.txt"
SEVERAL_LIVES = f"""
import boto3, json, time
s3 = boto3.client("s3")
seen, end = set(), time.monotonic() + 14
while time.monotonic() < end:
    s3.get_object(Bucket={BUCKET!r}, Key={HELLO!r})["Body"].read()
    seen.add(s3._request_signer._credentials.access_key)
    time.sleep(0.2)
print(json.dumps(sorted(seen)))
"""


@pytest.fixture
def alice_on_juicefs(vend: Vend, juicefs_stack: "Stack") -> Vend:
    vend.environ |= {"VENDOR_URL": juicefs_stack.gateway.url, "VENDOR_TOKEN": juicefs_stack.tokens["alice"]}
    return vend


def test_a_program_outlives_its_lease(alice_on_juicefs: Vend) -> None:
    """Leases of five seconds, a loop of fourteen, no error."""
    said = alice_on_juicefs(
        "exec", "--duration", "5", "--read", f"s3://{BUCKET}/{TENANT}", "--", sys.executable, "-c", SEVERAL_LIVES
    )

    assert said.code == 0, said.err
    assert len(json.loads(said.out)) >= 3


def environment_in(vend: Vend, *arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    said = vend("exec", *arguments, "--", sys.executable, "-c", code, env=env)
    assert (said.code, said.err) == (0, "")
    seen: dict[str, Any] = json.loads(said.out)
    return seen


def test_the_child_gets_a_door_and_no_identity(alice: Vend) -> None:
    token = alice.environ["VENDOR_TOKEN"]
    seen = environment_in(
        alice,
        "--read",
        f"s3://{BUCKET}/{TENANT}",
        env={
            "VENDOR_TOKEN_FILE": "/tmp/x",
            "AWS_ENDPOINT_URL_STS": "http://old",
            "AWS_ACCESS_KEY_ID": "old",
            "AWS_PROFILE": "old",
            "OTHER": "kept",
        },
    )

    assert seen["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert seen["OTHER"] == "kept"
    gone = {"VENDOR_TOKEN", "VENDOR_TOKEN_FILE", "AWS_ENDPOINT_URL_STS", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"}
    assert not gone & set(seen)
    assert token not in "".join(seen.values())
    assert "vlt_" not in "".join(seen.values())
    assert not Path(seen["AWS_CONFIG_FILE"]).exists()  # cleared away after the run


def test_server_prints_variables_and_serves(alice: Vend) -> None:
    running = alice.start("server", "--read", f"s3://{BUCKET}/{TENANT}")
    assert running.stdout is not None
    lines = [running.stdout.readline()]
    while "AWS_WEB_IDENTITY_TOKEN_FILE" not in lines[-1]:  # the last one
        lines.append(running.stdout.readline())
    variables = through_bash("".join(lines))
    code = (
        f"import boto3; print(boto3.client('s3').get_object(Bucket={BUCKET!r}, Key={HELLO!r})['Body'].read().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()

    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert not Path(variables["AWS_CONFIG_FILE"]).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_server_leaves_nothing_behind(stub: Stub, offline: Vend, number: signal.Signals) -> None:
    running = offline.start("server", "--format", "dotenv")
    assert running.stdout is not None
    first = running.stdout.readline()
    assert first.startswith("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:")
    running.send_signal(number)
    assert running.wait(20) == 0
    assert [seen.method for seen in stub.seen] == ["POST", "DELETE"]
    assert os.listdir(offline.home / "tmp") == []  # noqa: PTH208 - hidden leftovers count


def test_server_says_it_as_json(stub: Stub, offline: Vend) -> None:
    running = offline.start("server", "--json")
    assert running.stdout is not None
    lines = [running.stdout.readline()]
    while lines[-1] != "}\n":
        lines.append(running.stdout.readline())
    told = json.loads("".join(lines))
    assert told["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert offline("server", "--json", "--format", "fish").code == 2
    assert offline("server", "--format", "hadoop-xml").code == 2


@pytest.fixture
def stub() -> Iterator[Stub]:
    def answer(seen: Seen) -> Reply:
        return Reply(200, {"revoked": True}) if seen.method == "DELETE" else Reply(201, lease(token="vlt_1"))

    with stub_server() as made:
        made.answer = answer
        yield made


@pytest.fixture
def offline(vend: Vend, stub: Stub) -> Vend:
    (vend.home / "tmp").mkdir(mode=0o700)
    vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "identity", "TMPDIR": str(vend.home / "tmp")}
    return vend


@pytest.mark.parametrize("code", [0, 3])
def test_the_lease_ends_with_the_child(stub: Stub, offline: Vend, code: int) -> None:
    assert offline("exec", "--", "sh", "-c", f"exit {code}").code == code

    last = stub.seen[-1]
    assert (last.method, last.path, last.headers["authorization"]) == ("DELETE", "/v1/leases/l_1", "Bearer vlt_1")
    assert os.listdir(offline.home / "tmp") == []  # noqa: PTH208 - hidden leftovers count


def test_the_lease_ends_when_there_is_nothing_to_run(stub: Stub, offline: Vend) -> None:
    assert offline("exec", "--", "no-such-command-here").code == 127
    assert stub.seen[-1].method == "DELETE"


def test_the_lease_ends_when_vend_is_told_to(stub: Stub, offline: Vend) -> None:
    running = offline.start("exec", "--", "sh", "-c", "echo ready; exec sleep 30")
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.terminate()

    assert running.wait(20) == 128 + signal.SIGTERM
    assert stub.seen[-1].method == "DELETE"


@pytest.mark.parametrize(
    "arguments", [("exec", "--", "true"), ("exec", "--env", "--", "true"), ("proxy", "--", "true")]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_does_not_keep_the_lease_from_ending(
    stub: Stub, offline: Vend, arguments: tuple[str, ...], number: signal.Signals
) -> None:
    """It comes while the gateway is told, and would end `vend` before it has heard the answer."""
    before, asked, told = stub.answer, threading.Event(), threading.Event()

    def slowly(seen: Seen) -> Reply:
        if seen.method == "DELETE":
            asked.set()
            assert told.wait(30)
        return before(seen)

    stub.answer = slowly
    running = offline.start(*arguments)
    assert asked.wait(30)
    running.send_signal(number)
    running.send_signal(number)
    eventually(lambda: not pending(running.pid, number), within=20)
    told.set()
    assert running.wait(20) == 0
    assert running.stderr is not None
    assert running.stderr.read() == ""
    assert os.listdir(offline.home / "tmp") == []  # noqa: PTH208 - hidden leftovers count


def pending(pid: int, number: signal.Signals) -> bool:
    """Say whether a signal waits to be taken."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_there_is_a_lease_stops_at_once(stub: Stub, offline: Vend, number: signal.Signals) -> None:
    asked, told = threading.Event(), threading.Event()

    def never(_seen: Seen) -> Reply:
        asked.set()
        told.wait(30)
        return Reply(503)

    stub.answer = never
    running = offline.start("server")
    assert asked.wait(30)
    running.send_signal(number)
    assert running.wait(20) == 128 + number
    told.set()


def test_no_key_is_ever_on_disk(stub: Stub, offline: Vend) -> None:
    answer = lease(token="vlt_1")
    stub.answer = lambda seen: Reply(200, {"revoked": True}) if seen.method == "DELETE" else Reply(201, answer)
    running = offline.start("exec", "--", "sh", "-c", "echo ready; exec sleep 30")
    assert running.stdout is not None
    running.stdout.readline()

    held = [path.read_text() for path in offline.files()]
    assert held  # the door's token and configuration
    for secret in (
        answer["credentials"]["secret_access_key"],
        answer["credentials"]["session_token"],
        "vlt_1",
        "identity",
    ):
        assert not any(secret in text for text in held)
    running.terminate()
    running.wait(20)


def test_env_hands_the_keys_themselves(stub: Stub, offline: Vend) -> None:
    seen = environment_in(offline, "--env")

    assert seen["AWS_ACCESS_KEY_ID"].startswith("AK")
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in seen
    assert "AWS_CONFIG_FILE" not in seen


def test_a_renewal_that_fails_is_told_once(stub: Stub, offline: Vend) -> None:
    stub.answer = lambda _seen: Reply(201, lease(2.0, token="vlt_1"))
    running = offline.start("exec", "--", "sh", "-c", "echo ready; exec sleep 30")
    assert running.stdout is not None
    running.stdout.readline()
    stub.says(503, {"error": {"code": "state_unavailable", "message": "Redis is away."}})
    eventually(lambda: len(stub.seen) >= 3, within=15)
    running.terminate()
    _out, err = running.communicate(timeout=20)

    assert err.count("cannot be renewed") == 1
    assert "Redis is away" in err
