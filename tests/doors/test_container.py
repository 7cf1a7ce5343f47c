"""`GET /v1/container-credentials` as SDKs see it: the contract, its refusals, and botocore's own code, unpatched."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import botocore.session
import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.support.gateways import Api, api, s3_of
from tests.support.sts import allowed
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client

PATH = "/v1/container-credentials"
HOME = "s3://cdm-lake/users-general-warehouse/alice/"


@pytest.fixture
def alice(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


@pytest.fixture
def nobody(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, None) as calls:
        yield calls


def ask(calls: Api, authorization: str | None) -> httpx2.Response:
    return calls.call("GET", PATH, headers={"authorization": authorization} if authorization else {})


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"code", "message"}
    return answer.status_code, body["code"]


def test_the_answer_is_the_contract_and_repeats_itself(alice: Api, nobody: Api, seaweedfs_stack: Stack) -> None:
    lease = alice.lease((HOME, "write"), renewable_for=7200)
    token = lease["lease_token"]

    answers = [ask(nobody, authorization) for authorization in (token, f"Bearer {token}", f"bearer {token}", token)]

    assert {answer.status_code for answer in answers} == {200}
    first = answers[0].json()
    assert set(first) == {"Code", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert first["Code"] == "Success"
    assert all(answer.json() == first for answer in answers)
    assert first["AccessKeyId"] == lease["credentials"]["access_key_id"], "the keys that the lease began with"
    assert answers[0].headers["content-type"] == "application/json"
    assert answers[0].headers["cache-control"] == "no-store"
    left = datetime.fromisoformat(first["Expiration"]) - datetime.now(UTC)
    assert 3540 < left.total_seconds() <= 3570, "an hour, told half a minute early"
    s3 = s3_client(
        seaweedfs_stack.store.site.endpoint,
        KeyPair(first["AccessKeyId"], first["SecretAccessKey"]),
        first["Token"],
    )
    bucket, _, home = HOME.removeprefix("s3://").partition("/")
    assert allowed(lambda: s3.put_object(Bucket=bucket, Key=f"{home}container", Body=b"x"))
    assert not allowed(lambda: s3.get_object(Bucket=bucket, Key=home.replace("alice", "bob") + "hello.txt"))


def test_another_replica_gives_the_same_keys(alice: Api, nobody: Api, seaweedfs_stack: Stack) -> None:
    token = alice.lease((HOME, "read"), renewable_for=7200)["lease_token"]
    added = seaweedfs_stack.add_gateway("container-replica")
    try:
        with api(seaweedfs_stack, None, url=added.url) as other:
            assert ask(other, token).json() == ask(nobody, token).json()
    finally:
        added.child.stop()


def test_an_ended_lease_is_refused_at_once(alice: Api, nobody: Api) -> None:
    lease = alice.lease((HOME, "read"), renewable_for=7200)
    assert ask(nobody, lease["lease_token"]).status_code == 200
    assert alice.call("DELETE", f"/v1/leases/{lease['lease']['id']}").status_code == 200

    assert refusal(ask(nobody, lease["lease_token"])) == (410, "lease_ended")


def test_every_refusal_is_flat(alice: Api, nobody: Api, seaweedfs_stack: Stack) -> None:
    token = alice.lease((HOME, "read"), renewable_for=7200)["lease_token"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")

    assert refusal(ask(nobody, None)) == (401, "missing_token")
    for wrong in (
        "vlt_",
        f"vlt_{'a' * 20}_{'b' * 43}",
        forged,
        f"Basic {token}",
        f"{token} {token}",
        seaweedfs_stack.tokens["alice"],
        f"Bearer {seaweedfs_stack.tokens['alice']}",
    ):
        assert refusal(ask(nobody, wrong)) == (401, "invalid_token"), wrong[:10]
    assert refusal(ask(nobody, "vlt_" + "a" * 40_000))[0] in {400, 413, 431}
    twice = nobody.call("GET", PATH, headers=[("authorization", token), ("authorization", token)])
    assert refusal(twice) == (401, "invalid_token")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = nobody.call(method, PATH)
        assert refusal(answer)[0] == 405
        assert "GET" in answer.headers["allow"]
    assert refusal(nobody.call("GET", f"{PATH}?token={token}")) == (400, "invalid_request")
    html = nobody.call("GET", PATH, headers={"accept": "text/html"})
    assert refusal(html) == (401, "missing_token")


def test_redis_away_is_a_flat_503(alice: Api, nobody: Api, seaweedfs_stack: Stack) -> None:
    token = alice.lease((HOME, "read"), renewable_for=7200)["lease_token"]
    assert ask(nobody, token).status_code == 200
    seaweedfs_stack.valkey.child.freeze()
    try:
        answer = ask(nobody, token)
    finally:
        seaweedfs_stack.valkey.child.thaw()
    assert refusal(answer) == (503, "state_unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("duration", [None, 900, 1200, 3600])
def test_botocore_signs_a_hundred_times_with_one_ask(
    alice: Api, seaweedfs_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duration: int | None
) -> None:
    lease = alice.lease((HOME, "read"), renewable_for=7200, **({"duration": duration} if duration else {}))
    file = tmp_path / "token"
    file.write_text(lease["lease_token"])
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", seaweedfs_stack.gateway.url + PATH)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    log = seaweedfs_stack.gateway.child.log
    before = log.read_text().count(PATH)

    credentials = botocore.session.Session().get_credentials()
    assert credentials is not None
    assert credentials.method == "container-role"
    keys = set()
    for _ in range(100):
        request = AWSRequest("GET", "http://store.example/")
        SigV4Auth(credentials.get_frozen_credentials(), "s3", "us-east-1").add_auth(request)
        keys.add(request.headers["Authorization"].partition("/")[0])

    assert len(keys) == 1
    deadline = time.monotonic() + 5
    while log.read_text().count(PATH) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.read_text().count(PATH) - before <= 2, "the first keys, and at most one refresh"


def test_the_first_keys_of_a_lease_work_like_those_of_this_door(alice: Api) -> None:
    """What is given again are whole keys, not a part of them."""
    lease = alice.lease((HOME, "write"), renewable_for=7200)
    bucket, _, home = HOME.removeprefix("s3://").partition("/")
    assert allowed(lambda: s3_of(lease).get_object(Bucket=bucket, Key=f"{home}hello.txt"))
