"""The gateway's own calls on objects, with real temporary keys on each store."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.support.gateways import api
from vendor.dev.stack import Stack
from vendor.errors import StoreRefused, StoreUnavailable
from vendor.names import Bucket, Prefix
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.stores.objects import Objects
from vendor.stores.objects_xml import S3Answer, fits_xml

HOME = Prefix("users-sql-warehouse/bob/")
ODD = ["plain", "a b+c&d<e>'\"", "ünï", "per%41cent", "{b}", "~x", "a=b?c#d", "x" * 200, "deep/er/x"]
CONTROL = ["line\nbreak", "tab\there"]


@pytest.fixture
def keys(stack: Stack) -> Credentials:
    """Bob's keys to one of his homes."""
    with api(stack, "bob") as calls:
        made = calls.lease((f"s3://{stack.bucket}/{HOME}", "write"))["credentials"]
    end = datetime.fromisoformat(made["expiration"]).timestamp()
    secret, session = SecretKey(made["secret_access_key"]), SessionToken(made["session_token"])
    return Credentials(made["access_key_id"], secret, session, end)


@pytest.fixture
async def objects(stack: Stack) -> AsyncIterator[Objects]:
    made = Objects(stack.store.site.endpoint, stack.store.site.region)
    yield made
    await made.close()


async def test_a_new_object_is_written_once(stack: Stack, keys: Credentials, objects: Objects) -> None:
    bucket, key = stack.bucket, f"{HOME}once/x"

    assert await objects.put_new(keys, bucket, key, b"first") is True
    assert await objects.put_new(keys, bucket, key, b"second") is False

    stored = stack.store.site.client().get_object(Bucket=bucket, Key=key)
    assert stored["Body"].read() == b"first"
    await objects.delete(keys, bucket, [key])


async def test_odd_keys_are_listed_and_deleted(stack: Stack, keys: Credentials, objects: Objects) -> None:
    bucket, folder = stack.bucket, Prefix(f"{HOME}odd/")
    names = [folder + name for name in ODD]
    if stack.store.site.kind == "seaweedfs":
        names += (folder + name for name in CONTROL)  # others refuse such keys, or cannot list them
    for name in names:
        await objects.put_new(keys, bucket, name, b"x")

    page = await objects.page(keys, bucket, folder, None)
    assert sorted(page.keys) == sorted(names)
    assert page.following is None

    await objects.delete(keys, bucket, page.keys)
    await objects.delete(keys, bucket, page.keys)  # gone already
    left = (await objects.page(keys, bucket, folder, None)).keys
    while left:  # a store that keeps folders shows them once they are empty
        assert all(key.endswith("/") for key in left)
        await objects.delete(keys, bucket, left)
        before, left = left, (await objects.page(keys, bucket, folder, None)).keys
        assert left != before


async def test_pages_follow_one_another(stack: Stack, keys: Credentials, objects: Objects) -> None:
    bucket, folder = stack.bucket, Prefix(f"{HOME}many/")
    client = stack.store.site.client()
    for number in range(1003):
        client.put_object(Bucket=bucket, Key=f"{folder}{number:04}", Body=b"")

    first = await objects.page(keys, bucket, folder, None)
    second = await objects.page(keys, bucket, folder, first.following)

    assert len(first.keys) == 1000
    assert first.following is not None
    assert len(second.keys) == 3
    assert second.following is None
    await objects.delete(keys, bucket, first.keys)
    await objects.delete(keys, bucket, second.keys)


async def test_what_the_keys_cannot_do_is_refused(stack: Stack, keys: Credentials, objects: Objects) -> None:
    bucket = stack.bucket
    with pytest.raises(StoreRefused):
        await objects.put_new(keys, bucket, "users-sql-warehouse/alice/x", b"x")
    with pytest.raises(StoreRefused):
        await objects.page(keys, bucket, Prefix("users-sql-warehouse/alice/"), None)
    with pytest.raises(StoreRefused):
        await objects.delete(keys, bucket, ["users-sql-warehouse/alice/hello.txt"])
    with pytest.raises(StoreRefused):
        await objects.page(keys, Bucket("no-such-bucket"), HOME, None)
    assert stack.store.site.client().head_object(Bucket=bucket, Key="users-sql-warehouse/alice/hello.txt")


async def test_a_store_that_is_away(keys: Credentials) -> None:
    objects = Objects("http://127.0.0.1:9", "us-east-1")
    with pytest.raises(StoreUnavailable):
        await objects.put_new(keys, Bucket("cdm-lake"), f"{HOME}x", b"")
    await objects.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff", b'<?xml version="1.0" encoding="nope"?><a/>'],
)
def test_answers_that_are_not_plain_xml(body: bytes) -> None:
    with pytest.raises(StoreRefused):
        S3Answer.parse(body)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("a b~ü\U0001f600", True), ("a\nb", False), ("\x00", False), ("\ufffe", False), ("\ud800", False)],
)
def test_what_xml_carries_unchanged(text: str, fits: bool) -> None:
    assert fits_xml(text) is fits
