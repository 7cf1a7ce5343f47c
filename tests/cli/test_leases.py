"""`vend leases`, `vend renew`, `vend revoke` against the real gateway and store, and what `vend exec` leaves there."""

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.cli.test_lease import BUCKET, TENANT, s3, through_bash
from tests.cli.vend import Vend
from tests.client.stub import Reply, Seen, stub_server
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

READ = ("--read", f"s3://{BUCKET}/{TENANT}")


def live(vend: Vend) -> dict[str, Any]:
    return {lease["id"]: lease for lease in vend("leases", "--json").json["leases"]}


@pytest.fixture(autouse=True)
def _no_leases(request: pytest.FixtureRequest) -> None:
    if "alice" in request.fixturenames:
        assert request.getfixturevalue("alice")("revoke", "--all").code == 0


def test_leases_are_listed_shown_and_ended(alice: Vend) -> None:
    first = alice("lease", *READ, "--renewable-for", "2h", "--job", "t-1", "--json").json["lease"]
    second = alice("lease", *READ, "--renewable-for", "1h", "--json").json["lease"]

    rows = {line.split("\t")[0]: line.split("\t") for line in alice("leases").out.splitlines()}
    assert set(rows) == {first["id"], second["id"]}
    assert rows[first["id"]][2] == "1"
    assert rows[first["id"]][5] == "t-1"
    shown = alice("leases", first["id"])
    assert re.search(rf"^\s+read\s+s3a?://{BUCKET}/{TENANT}", shown.out, re.MULTILINE)
    assert alice("leases", first["id"], "--json").json["id"] == first["id"]

    ended = alice("revoke", first["id"])
    assert (ended.code, ended.out) == (0, "")
    assert "dead" in ended.err
    assert set(live(alice)) == {second["id"]}
    ended_now = {answer["id"]: answer for answer in alice("revoke", "--all", "--json").json["leases"]}
    assert ended_now[second["id"]]["revoked"] is True
    assert live(alice) == {}


def test_no_secret_is_listed(alice: Vend) -> None:
    made = alice("lease", *READ, "--renewable-for", "1h", "--json").json
    listed = alice("leases", "--json").out + alice("leases", made["lease"]["id"], "--json").out
    for secret in (
        made["lease_token"],
        *(made["credentials"][name] for name in ("secret_access_key", "session_token")),
    ):
        assert secret not in listed


def test_a_lease_is_renewed_with_its_own_token(alice: Vend) -> None:
    made = alice("lease", *READ, "--renewable-for", "1h", "--json").json
    del alice.environ["VENDOR_TOKEN"]
    said = alice("renew", "--lease-token-file", "-", stdin=made["lease_token"])
    assert (said.code, said.err) == (0, "")
    variables = through_bash(said.out)
    assert variables["AWS_ACCESS_KEY_ID"] != made["credentials"]["access_key_id"]
    assert s3(variables).get_object(Bucket=BUCKET, Key=TENANT + "hello.txt")["Body"].read()

    again = alice("renew", "--json", env={"VENDOR_LEASE_TOKEN": made["lease_token"]})
    assert again.json["lease"]["id"] == made["lease"]["id"]
    assert alice("renew").code == 3
    assert alice("renew", env={"VENDOR_LEASE_TOKEN": "vlt_forged"}).code == 3


def test_an_ended_lease_is_not_renewed(alice: Vend) -> None:
    made = alice("lease", *READ, "--renewable-for", "1h", "--json").json
    alice("revoke", made["lease"]["id"])
    said = alice("renew", env={"VENDOR_LEASE_TOKEN": made["lease_token"]})
    assert (said.code, said.out) == (1, "")


def test_logout_can_end_every_lease(alice: Vend) -> None:
    alice("lease", *READ, "--renewable-for", "1h")
    said = alice("logout", "--end-leases")
    assert said.code == 0
    assert "All your leases are ended; their keys are dead " in said.err
    assert live(alice) == {}


def test_logout_says_when_keys_go_on(vend: Vend) -> None:
    ended = [
        {"id": "l_1", "revoked": True, "effective": "at_latest", "at_latest": "2099-01-01T00:00:00Z"},
        {"id": "l_2", "revoked": True, "effective": "at_latest", "at_latest": "2099-01-02T00:00:00Z"},
        {"id": "l_3", "revoked": True, "effective": "now", "at_latest": "2099-01-03T00:00:00Z"},
    ]

    def answer(seen: Seen) -> Reply:
        return Reply(200, {"principal": "ada"} if seen.path == "/v1/whoami" else {"revoked": 3, "leases": ended})

    with stub_server() as stub:
        stub.answer = answer
        vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
        assert "their keys are dead at latest at 2099-01-02T00:00:00Z." in vend("logout", "--end-leases").err
        said = vend("logout", "--end-leases", "--json").json
    assert (said["leases_ended"], said["keys_until"]) == (True, "2099-01-02T00:00:00Z")
    assert stub.seen[-1].path == "/v1/leases?user=ada"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("revoke",), id="nothing"),
        pytest.param(("revoke", "l_x", "--all"), id="both"),
        pytest.param(("revoke", "l_x", "--user", "bob"), id="user-without-all"),
        pytest.param(("revoke", "../users/bob"), id="path-as-id"),
        pytest.param(("leases", "l_x", "--user", "bob"), id="lease-and-user"),
    ],
)
def test_usage(alice: Vend, arguments: tuple[str, ...]) -> None:
    said = alice(*arguments)
    assert (said.code, said.out) == (2, "")


def test_somebody_elses_leases(alice: Vend, seaweedfs_stack: "Stack") -> None:
    made = alice("lease", *READ, "--renewable-for", "1h", "--json").json["lease"]["id"]
    bob, carol = ({"VENDOR_TOKEN": seaweedfs_stack.tokens[name]} for name in ("bob", "carol"))

    assert alice("leases", made, env=bob).code == 1
    assert alice("revoke", made, env=bob).code == 1
    assert alice("leases", "--user", "alice", env=bob).code == 1
    assert made in alice("leases", "--user", "alice", env=carol).out
    assert alice("revoke", "--all", "--user", "alice", env=carol).code == 0
    assert live(alice) == {}


SHOW_KEYS = """
import boto3, json, os
keys = boto3.Session().get_credentials().get_frozen_credentials()
print(json.dumps({
    "AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key, "AWS_SESSION_TOKEN": keys.token,
    "AWS_ENDPOINT_URL_S3": os.environ["AWS_ENDPOINT_URL_S3"], "AWS_REGION": os.environ["AWS_REGION"],
}), flush=True)
"""


def test_the_lease_of_a_program_is_dead_after_it(vend: Vend, juicefs_stack: "Stack") -> None:
    vend.environ |= {"VENDOR_URL": juicefs_stack.gateway.url, "VENDOR_TOKEN": juicefs_stack.tokens["alice"]}
    vend("revoke", "--all")
    said = vend("exec", "--duration", "5", *READ, "--", sys.executable, "-c", SHOW_KEYS)
    assert said.code == 0, said.err
    assert live(vend) == {}

    client = s3(json.loads(said.out))

    def dead() -> bool:
        try:
            client.get_object(Bucket=BUCKET, Key=TENANT + "hello.txt")
        except ClientError:
            return True
        return False

    eventually(dead, within=20, what="the end of the keys")


def test_a_program_that_is_running_holds_one_lease(alice: Vend) -> None:
    running = alice.start("exec", *READ, "--job", "running", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    (lease,) = live(alice).values()
    assert lease["audit_context"] == {"job": "running"}
    assert lease["renewable_until"] is not None

    running.terminate()
    running.wait(20)
    assert live(alice) == {}


def test_a_program_keeps_running_when_its_lease_is_ended(alice: Vend) -> None:
    """It is told, and its keys are not replaced."""
    running = alice.start("exec", "--duration", "20", *READ, "--", "sh", "-c", "echo ready; exec sleep 60")
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline() == "ready\n"
    (lease,) = live(alice)
    alice("revoke", lease)

    assert "cannot be renewed" in running.stderr.readline()
    assert live(alice) == {}
    assert running.poll() is None
    running.terminate()
