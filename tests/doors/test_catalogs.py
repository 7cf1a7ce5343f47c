"""Credential reads in the forms of Iceberg's REST catalog and of Unity Catalog."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.support.gateways import Api, api
from tests.support.sts import allowed
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client

ICEBERG = "/v1/iceberg/credentials"
UNITY = "/api/2.1/unity-catalog/temporary-path-credentials"
BUCKET = "cdm-lake"
HOME = "users-general-warehouse/alice/"
TABLE = f"s3://{BUCKET}/{HOME}table/"


@pytest.fixture
def alice(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


def s3(stack: Stack, key: str, secret: str, token: str) -> Any:
    return s3_client(stack.store.site.endpoint, KeyPair(key, secret), token)


def seconds_left(milliseconds: int) -> float:
    return milliseconds / 1000 - datetime.now(UTC).timestamp()


def iceberg(calls: Api, **more: Any) -> dict[str, str]:
    answer = calls.call("GET", ICEBERG, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    (credential,) = answer.json()["storage-credentials"]
    return {"prefix": credential["prefix"], **credential["config"]}


def iceberg_refusal(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code"}
    assert error["code"] == answer.status_code
    return answer.status_code, error["type"]


def unity_refusal(answer: httpx2.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error_code", "message", "details"}
    return answer.status_code, body["error_code"]


def test_iceberg_gets_one_credential_for_a_path(alice: Api, seaweedfs_stack: Stack) -> None:
    found = iceberg(alice, params={"path": TABLE, "access": "write"})

    assert found["prefix"] == TABLE
    assert found["s3.endpoint"] == seaweedfs_stack.store.site.endpoint
    assert found["s3.path-style-access"] == "true"
    assert found["client.region"] == "us-east-1"
    assert 3500 < seconds_left(int(found["s3.session-token-expires-at-ms"])) <= 3570
    client = s3(
        seaweedfs_stack, *(found[f"s3.{name}"] for name in ("access-key-id", "secret-access-key", "session-token"))
    )
    assert allowed(lambda: client.put_object(Bucket=BUCKET, Key=f"{HOME}table/x", Body=b"x"))
    assert not allowed(lambda: client.put_object(Bucket=BUCKET, Key=f"{HOME}beside", Body=b"x"))
    again = alice.call("GET", found["client.refresh-credentials-endpoint"])
    assert again.status_code == 200, "the address to renew at works as it is"


def test_a_lease_token_renews_by_path_with_the_live_keys(alice: Api, seaweedfs_stack: Stack) -> None:
    lease = alice.lease((f"s3://{BUCKET}/{HOME}", "read"), renewable_for=7200)
    with api(seaweedfs_stack, None) as engine:
        engine._web.headers["authorization"] = f"Bearer {lease['lease_token']}"
        found = [iceberg(engine, params={"path": TABLE}) for _ in range(3)]
        assert {one["s3.access-key-id"] for one in found} == {lease["credentials"]["access_key_id"]}
        assert iceberg(engine)["prefix"] == "s3"
        for outside in ({"path": TABLE, "access": "write"}, {"path": f"s3://{BUCKET}/users-general-warehouse/alice2/"}):
            assert iceberg_refusal(engine.call("GET", ICEBERG, params=outside)) == (403, "ForbiddenException")
        by_unity = engine.call("POST", UNITY, {"url": TABLE, "operation": "PATH_READ"}).json()
        assert by_unity["aws_temp_credentials"]["access_key_id"] == lease["credentials"]["access_key_id"]
        alice.call("DELETE", f"/v1/leases/{lease['lease']['id']}")
        assert iceberg_refusal(engine.call("GET", ICEBERG)) == (419, "AuthenticationTimeoutException")
        ended = engine.call("POST", UNITY, {"url": TABLE, "operation": "PATH_READ"})
        assert unity_refusal(ended) == (401, "UNAUTHENTICATED")


def test_iceberg_refusals(alice: Api, seaweedfs_stack: Stack) -> None:
    def refused(**params: Any) -> tuple[int, str]:
        return iceberg_refusal(alice.call("GET", ICEBERG, params=params))

    assert refused(path=f"s3://{BUCKET}/users-general-warehouse/bob/") == (403, "ForbiddenException")
    assert refused(path="s3://x/a*") == (400, "BadRequestException")
    assert refused(access="read") == (400, "BadRequestException")
    assert refused(path=TABLE, access="all") == (400, "BadRequestException")
    assert refused(path=[TABLE, TABLE]) == (400, "BadRequestException")
    assert refused(table="x") == (400, "BadRequestException")
    assert iceberg_refusal(alice.call("POST", ICEBERG))[0] == 405
    with api(seaweedfs_stack, None) as nobody:
        assert iceberg_refusal(nobody.call("GET", ICEBERG)) == (401, "NotAuthorizedException")


@pytest.mark.parametrize(
    ("operation", "writes"), [("PATH_READ", False), ("PATH_READ_WRITE", True), ("PATH_CREATE_TABLE", True)]
)
def test_unity_gives_keys_for_a_path(alice: Api, seaweedfs_stack: Stack, operation: str, writes: bool) -> None:
    answer = alice.call("POST", UNITY, {"url": TABLE.replace("s3://", "s3a://").rstrip("/"), "operation": operation})

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == {"aws_temp_credentials", "expiration_time", "url"}
    assert found["url"] == TABLE, "normalised"
    assert 3500 < seconds_left(found["expiration_time"]) <= 3570
    keys = found["aws_temp_credentials"]
    client = s3(seaweedfs_stack, keys["access_key_id"], keys["secret_access_key"], keys["session_token"])
    assert allowed(lambda: client.list_objects_v2(Bucket=BUCKET, Prefix=f"{HOME}table/"))
    assert allowed(lambda: client.put_object(Bucket=BUCKET, Key=f"{HOME}table/{operation}", Body=b"x")) is writes


def test_unity_refusals(alice: Api, seaweedfs_stack: Stack) -> None:
    def refused(body: object, path: str = UNITY) -> tuple[int, str]:
        return unity_refusal(alice.call("POST", path, body))

    other = f"s3://{BUCKET}/users-general-warehouse/bob/"
    assert refused({"url": other, "operation": "PATH_READ"}) == (403, "PERMISSION_DENIED")
    assert refused({"url": "s3://x/$", "operation": "PATH_READ"}) == (400, "INVALID_ARGUMENT")
    assert refused({"url": TABLE, "operation": "PATH_ALL"}) == (400, "INVALID_ARGUMENT")
    assert refused({"url": TABLE}) == (400, "INVALID_ARGUMENT")
    assert refused({"url": TABLE, "operation": "PATH_READ", "dry": True}) == (400, "INVALID_ARGUMENT")
    assert refused({"table_id": "x"}, UNITY.replace("path", "table")) == (404, "NOT_FOUND")
    assert unity_refusal(alice.call("GET", UNITY)) == (405, "INVALID_ARGUMENT")
    with api(seaweedfs_stack, None) as nobody:
        assert unity_refusal(nobody.call("POST", UNITY, {})) == (401, "UNAUTHENTICATED")
