"""The stack as a whole: seeded as promised, leases that work on its store, and parts that fail and come back."""

import json
import socket
import stat
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from tests.support.sts import allowed, s3_with
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ready import ready_document, write_ready_file
from vendor.dev.seed import OBJECT, seed_governance, seed_objects
from vendor.dev.stack import Stack, running_stack
from vendor.dev.store import ASSUME_ROLE

HOME = "users-general-warehouse"
TENANT = "tenant-general-warehouse"


def web(stack: Stack, user: str | None = None, token: str | None = None) -> httpx2.Client:
    bearer = token or (stack.tokens[user] if user else None)
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx2.Client(base_url=stack.gateway.url, headers=headers, trust_env=False, timeout=20)


def lease(stack: Stack, gateway: str | None = None, *, token: str) -> dict[str, str]:
    with httpx2.Client(base_url=gateway or stack.gateway.url, trust_env=False, timeout=20) as client:
        answer = client.post("/v1/leases", json={}, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()["credentials"]
    return {
        "AccessKeyId": found["access_key_id"],
        "SecretAccessKey": found["secret_access_key"],
        "SessionToken": found["session_token"],
    }


def can(stack: Stack, s3: Any, action: str, key: str) -> bool:
    if action == "read":
        return allowed(lambda: s3.get_object(Bucket=stack.bucket, Key=key))
    return allowed(lambda: s3.put_object(Bucket=stack.bucket, Key=key + ".new", Body=b""))


@pytest.mark.parametrize(
    ("user", "action", "folder", "expected"),
    [
        ("alice", "read", f"{HOME}/alice", True),
        ("alice", "write", f"{HOME}/alice", True),
        ("alice", "read", "users-sql-warehouse/alice", True),
        ("alice", "write", f"{TENANT}/kbase", True),
        ("alice", "read", f"{HOME}/bob", False),
        ("alice", "read", f"{TENANT}/hydro", False),
        ("bob", "read", f"{TENANT}/kbase", True),
        ("bob", "write", f"{TENANT}/kbase", False),
        ("bob", "read", f"{TENANT}/hydro", False),
        ("carol", "write", f"{TENANT}/hydro", True),
        ("carol", "read", f"{TENANT}/kbase", False),
        ("carol", "read", f"{HOME}/alice", False),
    ],
)
def test_the_seed_is_what_is_promised(stack: Stack, user: str, action: str, folder: str, expected: bool) -> None:
    s3 = s3_with(stack.store.site, lease(stack, token=stack.tokens[user]))
    assert can(stack, s3, action, f"{folder}/{OBJECT}") is expected


def test_a_kbase_token_is_the_same_person(stack: Stack) -> None:
    s3 = s3_with(stack.store.site, lease(stack, token=stack.kbase.token("bob")))
    assert can(stack, s3, "read", f"{HOME}/bob/{OBJECT}")
    with web(stack, token=stack.kbase.token("carol")) as carol:
        assert carol.get("/v1/whoami").json()["admin"] is True


def test_people_are_told_where_to_sign_in(stack: Stack) -> None:
    with web(stack) as anybody:
        (issuer,) = anybody.get("/v1/sign-in").json()["issuers"]
    assert (issuer["issuer"], issuer["client_id"]) == (stack.idp.issuer, "vendor")


def test_a_refresh_token_of_the_provider_is_not_an_identity(stack: Stack) -> None:
    started = stack.idp.begin_device_flow()
    stack.idp.approve(started["user_code"], "alice")
    grant = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
        "client_id": "vendor",
    }
    with httpx2.Client(trust_env=False) as provider:
        tokens = provider.post(f"{stack.idp.issuer}/token", data=grant).json()
    with web(stack, token=tokens["access_token"]) as alice:
        assert alice.get("/v1/whoami").status_code == 200
    with web(stack, token=tokens["refresh_token"]) as thief:
        assert thief.get("/v1/whoami").status_code == 401


def test_alice_is_the_steward_of_kbase(stack: Stack) -> None:
    with web(stack, "alice") as alice:
        assert [steward["user"] for steward in alice.get("/v1/tenants/kbase").json()["stewards"]] == ["alice"]


def test_seeding_again_changes_nothing(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack

    def seen() -> object:
        with web(stack, "carol") as carol:
            return [carol.get(f"/v1/tenants/{tenant}").json()["members"] for tenant in ("kbase", "hydro")]

    before = seen()
    seed_governance(stack.gateway.url, stack.tokens["carol"])
    seed_objects(stack.store.site, stack.layout)
    assert seen() == before


def test_the_ready_document_is_the_contract(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    write_ready_file(file, stack)
    written = json.loads(file.read_text())
    assert written == ready_document(stack)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(written) == [
        *("gateway", "store", "redis", "issuer", "kbase", "users", "tenants", "role_arn", "issuer_key"),
        *("state", "env", "pid"),
    ]
    assert list(written["store"]) == ["kind", "endpoint", "region", "bucket", "admin"]
    assert written["tenants"] == ["kbase", "hydro"]
    assert sorted(written["users"]) == ["alice", "bob", "carol"]
    assert written["role_arn"] == "arn:aws:iam::000000000000:role/vendor"
    assert written["issuer_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert all(name.startswith("VENDOR_") for name in written["env"])
    with redis.Redis.from_url(written["redis"]) as server:
        assert server.ping()


def test_no_log_holds_a_secret(stack: Stack) -> None:
    credentials = lease(stack, token=stack.tokens["alice"])
    secrets = [
        *(credentials["SecretAccessKey"], credentials["SessionToken"], stack.valkey.password),
        *(stack.store.site.admin.secret_key, stack.store.site.service.secret_key),
        *stack.tokens.values(),
        *(stack.kbase.token(user) for user in stack.tokens),
    ]
    assert len(stack.logs) >= 5
    for log in stack.logs:
        text = log.read_text(errors="replace")
        assert not [number for number, secret in enumerate(secrets) if secret in text], log


def test_a_second_gateway_shares_redis_and_store(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack
    second = stack.add_gateway("gateway-2")
    try:
        assert second.url != stack.gateway.url
        s3 = s3_with(stack.store.site, lease(stack, second.url, token=stack.tokens["alice"]))
        assert can(stack, s3, "read", f"{TENANT}/kbase/{OBJECT}")
    finally:
        second.child.stop()
    assert stack.children.dead() is None


def test_a_gateway_that_assumes_a_role_vends_too(stack: Stack) -> None:
    """The other STS mode on the same store; the stack's own gateway stays in web identity mode."""
    named = f"assuming-{stack.store.site.kind}"
    second = stack.add_gateway(named, **stack.store.site.settings(ASSUME_ROLE))
    try:
        s3 = s3_with(stack.store.site, lease(stack, second.url, token=stack.tokens["bob"]))
        assert can(stack, s3, "read", f"{TENANT}/kbase/{OBJECT}")
        assert not can(stack, s3, "write", f"{TENANT}/kbase/{OBJECT}")
        assert not can(stack, s3, "read", f"{HOME}/alice/{OBJECT}")
    finally:
        second.child.stop()


def test_a_part_that_goes_away_and_comes_back(seaweedfs_stack: Stack) -> None:
    stack = seaweedfs_stack

    def status() -> int:
        with web(stack) as client:
            return client.get("/readyz").status_code

    stack.valkey.child.stop()
    assert eventually(lambda: status() == 503)
    assert stack.children.dead() is None
    stack.valkey.child.restart()
    eventually(lambda: status() == 200)
    assert lease(stack, token=stack.tokens["alice"])


def test_it_begins_anew_when_an_announced_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's address stands in the store's configuration by then, so other ports mean other servers."""
    given: list[int] = []

    def start(*arguments: Any, port: int, **named: Any) -> Gateway:
        given.append(port)
        if len(given) > 1:
            return start_gateway(*arguments, port=port, **named)
        with socket.create_server(("127.0.0.1", port)):
            return start_gateway(*arguments, port=port, **named)

    monkeypatch.setattr("vendor.dev.stack.start_gateway", start)
    with running_stack("juicefs") as stack:
        assert len(given) == 2
        assert stack.gateway.url.endswith(str(given[1]))
        assert len(stack.children.all()) == 5
        assert lease(stack, token=stack.tokens["alice"])


def test_a_kept_state_folder_remembers(tmp_path: Path) -> None:
    """Tenants, shares and objects of the last time are there, although all addresses are new."""
    with running_stack("juicefs", state=tmp_path / "state") as stack:
        kept = stack.gateway.url, stack.valkey.password
        with web(stack, "carol") as carol:
            assert carol.put("/v1/tenants/mine", json={}).status_code == 201
        stack.store.site.client().put_object(Bucket=stack.bucket, Key="kept.txt", Body=b"kept")
    started = time.monotonic()
    with running_stack("juicefs", state=tmp_path / "state") as stack:
        assert time.monotonic() - started < 15
        assert stack.valkey.password == kept[1]
        with web(stack, "carol") as carol:
            assert carol.get("/v1/tenants/mine").status_code == 200
        assert stack.store.site.client().get_object(Bucket=stack.bucket, Key="kept.txt")["Body"].read() == b"kept"
        s3 = s3_with(stack.store.site, lease(stack, token=stack.tokens["alice"]))
        assert can(stack, s3, "read", f"{HOME}/alice/{OBJECT}")
