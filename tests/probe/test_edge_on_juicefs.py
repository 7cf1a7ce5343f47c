"""Unmodified clients work through the edge, and what MinIO's own client could do with a lease is over."""

import hashlib
import io
import json
from typing import Any

import httpx2
import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from tests.support.gateways import api
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client

HOME = "users-general-warehouse/alice/"
LARGE = hashlib.sha256(b"seed").digest() * 400_000  # 12.8 MB


@pytest.fixture(scope="module")
def lease(juicefs_stack: Stack) -> dict[str, str]:
    with api(juicefs_stack, "alice") as alice:
        keys: dict[str, str] = alice.lease()["credentials"]
    return keys


@pytest.fixture(scope="module")
def s3(lease: dict[str, str], juicefs_edge: str) -> Any:
    pair = KeyPair(lease["access_key_id"], lease["secret_access_key"])
    return s3_client(juicefs_edge, pair, lease["session_token"])


def test_a_large_object_goes_up_in_parts_and_comes_back(s3: Any, juicefs_stack: Stack) -> None:
    parts = TransferConfig(multipart_threshold=5 * 2**20, multipart_chunksize=5 * 2**20, max_concurrency=2)
    s3.upload_fileobj(io.BytesIO(LARGE), juicefs_stack.bucket, HOME + "large", Config=parts)

    assert s3.head_object(Bucket=juicefs_stack.bucket, Key=HOME + "large")["ETag"].endswith('-3"')
    back = io.BytesIO()
    s3.download_fileobj(juicefs_stack.bucket, HOME + "large", back, Config=parts)
    assert back.getvalue() == LARGE
    middle = s3.get_object(Bucket=juicefs_stack.bucket, Key=HOME + "large", Range="bytes=10-19")["Body"].read()
    assert middle == LARGE[10:20]


def test_an_upload_is_given_up(s3: Any, juicefs_stack: Stack) -> None:
    where = {"Bucket": juicefs_stack.bucket, "Key": HOME + "given-up"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    assert len(s3.list_parts(**where, UploadId=upload)["Parts"]) == 1
    s3.abort_multipart_upload(**where, UploadId=upload)


@pytest.mark.parametrize("name", ["plain", "with blank", "ä+ö", "a=b&c?d#e", "per%20cent", "semi;colon", "dots..in.it"])
def test_awkward_names(name: str, s3: Any, juicefs_stack: Stack) -> None:
    where = {"Bucket": juicefs_stack.bucket, "Key": f"{HOME}names/{name}"}
    s3.put_object(**where, Body=b"x")
    assert s3.get_object(**where)["Body"].read() == b"x"
    listed = s3.list_objects_v2(Bucket=juicefs_stack.bucket, Prefix=f"{HOME}names/{name}")
    assert [found["Key"] for found in listed["Contents"]] == [where["Key"]]
    s3.copy_object(**where | {"Key": f"{HOME}copies/{name}"}, CopySource=where)
    s3.delete_object(**where)


def test_listings_in_pages_with_folders(s3: Any, juicefs_stack: Stack) -> None:
    for number in range(5):
        s3.put_object(Bucket=juicefs_stack.bucket, Key=f"{HOME}pages/{number}/x", Body=b"")
    for version in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(version).paginate(
            Bucket=juicefs_stack.bucket, Prefix=f"{HOME}pages/", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        found = [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", [])]
        assert found == [f"{HOME}pages/{number}/" for number in range(5)]


@pytest.mark.parametrize("method", ["get_object", "put_object"])
def test_a_presigned_url(method: str, s3: Any, juicefs_stack: Stack) -> None:
    where = {"Bucket": juicefs_stack.bucket, "Key": f"{HOME}presigned"}
    s3.put_object(**where, Body=b"mine")
    url = s3.generate_presigned_url(method, Params=where, ExpiresIn=60)
    with httpx2.Client(trust_env=False) as web:
        answer = web.put(url, content=b"mine") if method == "put_object" else web.get(url)
        assert answer.status_code == 200, answer.text
        assert web.get(url.replace("/presigned?", "/large?")).status_code == 403


def test_what_is_not_granted_is_denied_in_the_stores_own_words(s3: Any, juicefs_stack: Stack) -> None:
    with pytest.raises(ClientError) as refusal:
        s3.get_object(Bucket=juicefs_stack.bucket, Key="users-general-warehouse/bob/hello.txt")
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def admin(lease: dict[str, str], endpoint: str) -> MinioAdmin:
    keys = StaticProvider(lease["access_key_id"], lease["secret_access_key"], lease["session_token"])
    return MinioAdmin(
        endpoint=endpoint.removeprefix("http://"),
        credentials=keys,
        secure=False,
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False),
    )


def test_a_lease_makes_no_service_account(lease: dict[str, str], juicefs_edge: str, juicefs_stack: Stack) -> None:
    direct = admin(lease, juicefs_stack.store.site.endpoint)
    made = json.loads(direct.add_service_account())["credentials"]["accessKey"]  # what the edge is there for
    direct.delete_service_account(made)

    with pytest.raises(MinioAdminException) as refusal:
        admin(lease, juicefs_edge).add_service_account()
    assert "403" in str(refusal.value)


def test_the_store_is_well_through_the_edge(juicefs_edge: str) -> None:
    with httpx2.Client(trust_env=False) as web:
        assert web.get(f"{juicefs_edge}/minio/health/live").status_code == 200
