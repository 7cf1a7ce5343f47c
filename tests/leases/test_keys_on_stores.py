"""What a lease's keys can and cannot do, tried on real stores with a plain S3 client."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.leases.conftest import Site
from tests.support.gateways import s3_of
from tests.support.sts import allowed

EXPIRE = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
PART = b"x" * (5 * 1024 * 1024)


class Place:
    """One folder of a bucket as an S3 client with some keys finds it."""

    def __init__(self, s3: Any, bucket: str, folder: str) -> None:
        self.s3, self.bucket, self.folder = s3, bucket, folder

    def get(self) -> object:
        return self.s3.get_object(Bucket=self.bucket, Key=f"{self.folder}there.txt")["Body"].read()

    def head(self) -> object:
        return self.s3.head_object(Bucket=self.bucket, Key=f"{self.folder}there.txt")

    def put(self) -> object:
        return self.s3.put_object(Bucket=self.bucket, Key=f"{self.folder}new.txt", Body=b"new")

    def delete(self) -> object:
        return self.s3.delete_object(Bucket=self.bucket, Key=f"{self.folder}gone.txt")

    def list(self) -> object:
        return self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.folder)

    def list_deeper(self) -> object:
        return self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.folder}deep/er/", Delimiter="/")

    def multipart(self) -> object:
        at = {"Bucket": self.bucket, "Key": f"{self.folder}large.bin"}
        upload = self.s3.create_multipart_upload(**at)["UploadId"]
        tags = [
            {"PartNumber": n, "ETag": self.s3.upload_part(**at, UploadId=upload, PartNumber=n, Body=body)["ETag"]}
            for n, body in ((1, PART), (2, b"end"))
        ]
        self.s3.list_parts(**at, UploadId=upload)
        return self.s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": tags})

    def multipart_abort(self) -> object:
        at = {"Bucket": self.bucket, "Key": f"{self.folder}never.bin"}
        upload = self.s3.create_multipart_upload(**at)["UploadId"]
        self.s3.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"part")
        return self.s3.abort_multipart_upload(**at, UploadId=upload)

    def copy(self) -> object:
        source = {"Bucket": self.bucket, "Key": f"{self.folder}there.txt"}
        return self.s3.copy_object(Bucket=self.bucket, Key=f"{self.folder}copy.txt", CopySource=source)


READING: list[Callable[[Place], object]] = [Place.get, Place.head, Place.list, Place.list_deeper]
WRITING: list[Callable[[Place], object]] = [
    Place.put,
    Place.delete,
    Place.multipart,
    Place.multipart_abort,
    Place.copy,
]


def prepared(site: Site, *folders: str) -> None:
    """Put one object to find and one to delete into each folder, as the store's administrator."""
    s3 = site.stack.store.site.client()
    for folder in folders:
        for name in ("there.txt", "gone.txt", "deep/er/x"):
            s3.put_object(Bucket=site.stack.bucket, Key=folder + name, Body=b"here")


@pytest.fixture
def folder(site: Site) -> str:
    """A folder of its own for each test, with a sibling whose name begins the same, both with objects."""
    name = f"tenant-general-warehouse/kbase/{secrets.token_hex(6)}"
    prepared(site, f"{name}/", f"{name}-2/")
    return name


@pytest.mark.parametrize("access", ["read", "write"])
def test_inside_the_scope(site: Site, folder: str, access: str) -> None:
    with site.api("alice") as alice:
        lease = alice.lease((f"s3a://{site.stack.bucket}/{folder}/", access))
    place = Place(s3_of(lease), site.stack.bucket, f"{folder}/")

    done = {call.__name__: allowed(lambda call=call: call(place)) for call in READING + WRITING}  # type: ignore[misc]

    assert done == {call.__name__: access == "write" or call in READING for call in READING + WRITING}


@pytest.mark.parametrize("beside", ["{}-2/", "tenant-general-warehouse/kbase/", "users-general-warehouse/alice/"])
def test_outside_the_scope(site: Site, folder: str, beside: str) -> None:
    elsewhere = beside.format(folder)
    prepared(site, elsewhere)
    with site.api("alice") as alice:
        lease = alice.lease((f"s3://{site.stack.bucket}/{folder}/", "write"))
    place = Place(s3_of(lease), site.stack.bucket, elsewhere)

    done = {call.__name__: allowed(lambda call=call: call(place)) for call in READING + WRITING}  # type: ignore[misc]

    expected = {call.__name__: False for call in READING + WRITING}
    assert done == expected


def test_listing_without_a_prefix_or_with_a_parent_of_the_scope(site: Site, folder: str) -> None:
    with site.api("alice") as alice:
        s3 = s3_of(alice.lease((f"s3://{site.stack.bucket}/{folder}/", "write")))

    for prefix in ("", folder, "tenant-general-warehouse/", "users-general-warehouse/bob/"):
        assert not allowed(lambda prefix=prefix: s3.list_objects_v2(Bucket=site.stack.bucket, Prefix=prefix))  # type: ignore[misc]


def test_a_read_only_member_gets_no_write_and_is_told(site: Site, folder: str) -> None:
    path = f"s3://{site.stack.bucket}/{folder}/"
    with site.api("bob") as bob:
        refused = bob.refusal("POST", "/v1/leases", {"scope": [{"path": path, "access": "write"}]})
        everything = bob.lease()

    assert refused == (403, "scope_not_granted")
    place = Place(s3_of(everything), site.stack.bucket, f"{folder}/")
    assert allowed(place.get)
    assert not allowed(place.put)


def test_everything_is_home_and_tenants_and_no_more(site: Site, folder: str) -> None:
    with site.api("alice") as alice:
        lease = alice.lease()
    s3 = s3_of(lease)

    assert {entry["source"] for entry in lease["lease"]["scope"]} >= {"home", "tenant:kbase"}
    for mine in ("users-general-warehouse/alice/", "users-sql-warehouse/alice/", f"{folder}/"):
        assert allowed(Place(s3, site.stack.bucket, mine).put)
    for other in ("users-general-warehouse/bob/", "users-general-warehouse/alice-2/", "tenant-sql-warehouse/hydro/"):
        assert not allowed(Place(s3, site.stack.bucket, other).put)
        assert not allowed(Place(s3, site.stack.bucket, other).list)


def test_keys_change_nothing_but_objects(site: Site) -> None:
    with site.api("alice") as alice:
        s3 = s3_of(alice.lease())
    bucket = site.stack.bucket

    def done(call: Callable[[], object]) -> bool:
        """Say whether a store did it; one that cannot do it at all did not."""
        try:
            return allowed(call)
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] == "NotImplemented":
                return False
            raise

    assert not done(lambda: s3.put_bucket_policy(Bucket=bucket, Policy="{}"))
    assert not done(lambda: s3.delete_bucket(Bucket=bucket))
    assert not done(lambda: s3.create_bucket(Bucket="another-bucket"))
    assert not done(lambda: s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=EXPIRE))
