"""In a bucket with versions and object lock a write grant replaces and hides objects; what is kept is out of reach.

Two holes of MinIO are known, and docs/policies.md says what to do about them.  They are tested, too: when the store
closes one, its test turns red and the page can be shortened.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.policy.live.stores import LiveStore, live_store
from vendor.names import Bucket, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.planner import plan_session_policy

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LOCKED = Bucket("locked")
KEY = "a/report"
SOON = "2030-01-01T00:00:00Z"


@pytest.fixture(scope="module", params=["seaweedfs", pytest.param("minio", marks=pytest.mark.minio)])
def locking(request: pytest.FixtureRequest) -> Iterator[LiveStore]:
    """A store that has object lock, with a bucket that uses it; JuiceFS has none."""
    with live_store(request.param) as store:
        store.s3().create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
        yield store


@pytest.fixture
def version(locking: LiveStore) -> str:
    """The id of a version that somebody put under retention."""
    admin = locking.s3()
    put = admin.put_object(Bucket=LOCKED, Key=KEY, Body=b"kept")
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": "2040-01-01T00:00:00Z"}
    admin.put_object_retention(Bucket=LOCKED, Key=KEY, VersionId=put["VersionId"], Retention=retention)  # type: ignore[arg-type]  # a time as text is taken, too
    return put["VersionId"]


@pytest.fixture
def leased(locking: LiveStore, access: AccessTable) -> "S3Client":
    grants = [Grant(LOCKED, parse_prefix("a"), Level.WRITE, Source("home"), with_key=True)]
    return locking.s3(locking.keys(plan_session_policy(grants, access, 2048).text))


Call = Callable[["S3Client", str], object]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(
            lambda s3, version: s3.delete_object(
                Bucket=LOCKED, Key=KEY, VersionId=version, BypassGovernanceRetention=True
            ),
            id="delete-a-version-around-retention",
        ),
        pytest.param(
            lambda s3, version: s3.delete_object(Bucket=LOCKED, Key=KEY, VersionId=version), id="delete-a-version"
        ),
        pytest.param(
            lambda s3, version: s3.put_object_retention(
                Bucket=LOCKED, Key=KEY, VersionId=version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": SOON}
            ),
            id="shorten-retention",
        ),
        pytest.param(
            lambda s3, version: s3.put_object_retention(
                Bucket=LOCKED,
                Key=KEY,
                VersionId=version,
                BypassGovernanceRetention=True,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": SOON},
            ),
            id="shorten-retention-with-the-bypass",
        ),
        pytest.param(
            lambda s3, version: s3.put_object_legal_hold(
                Bucket=LOCKED, Key=KEY, VersionId=version, LegalHold={"Status": "OFF"}
            ),
            id="lift-a-legal-hold",
        ),
        pytest.param(
            lambda s3, _: s3.put_object_lock_configuration(
                Bucket=LOCKED, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
            ),
            id="change-the-lock",
        ),
    ],
)
def test_what_is_kept_is_out_of_reach(locking: LiveStore, leased: "S3Client", version: str, call: Call) -> None:
    with pytest.raises(ClientError) as refused:
        call(leased, version)

    # MinIO refuses to shorten retention as an invalid request before it looks at permissions.
    assert refused.value.response["Error"]["Code"] in {"AccessDenied", "InvalidRequest"}
    kept = locking.s3().get_object(Bucket=LOCKED, Key=KEY, VersionId=version)
    assert kept["Body"].read() == b"kept"


def test_writing_goes_on_above_what_is_kept(locking: LiveStore, leased: "S3Client", version: str) -> None:
    leased.put_object(Bucket=LOCKED, Key=KEY, Body=b"new")
    assert leased.get_object(Bucket=LOCKED, Key=KEY)["Body"].read() == b"new"
    leased.delete_object(Bucket=LOCKED, Key=KEY)

    assert locking.s3().get_object(Bucket=LOCKED, Key=KEY, VersionId=version)["Body"].read() == b"kept"


def denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as refusal:
        return refusal.response["Error"]["Code"] == "AccessDenied"
    return False


def test_old_versions_are_read_on_minio_only(locking: LiveStore, leased: "S3Client", version: str) -> None:
    """The hole `versions-are-read-like-objects`."""
    holed = locking.kind == "minio"

    assert denied(lambda: leased.get_object(Bucket=LOCKED, Key=KEY, VersionId=version)) is not holed


def test_retention_is_lifted_on_minio_only(locking: LiveStore, leased: "S3Client", version: str) -> None:
    """The hole `any-lease-may-change-retention`: an empty retention together with the header that asks for a bypass."""
    holed = locking.kind == "minio"

    def lift() -> None:
        leased.put_object_retention(
            Bucket=LOCKED, Key=KEY, VersionId=version, BypassGovernanceRetention=True, Retention={}
        )

    assert denied(lift) is not holed
    # What is then without retention cannot be deleted all the same.
    assert denied(lambda: leased.delete_object(Bucket=LOCKED, Key=KEY, VersionId=version))
