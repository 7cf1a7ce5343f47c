"""The planner's documents, as the stores get them."""

import json

import pytest

from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.names import TenantName, UserName, parse_bucket, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout
from vendor.policy.oracle import Decision, S3Request, decide
from vendor.policy.planner import plan_session_policy


def grant(prefix: str, level: Level = Level.READ, *, bucket: str = "cdm-lake", with_key: bool = False) -> Grant:
    return Grant(parse_bucket(bucket), parse_prefix(prefix), level, Source("share:s_1"), with_key)


def test_a_read_and_a_write_grant_make_three_statements(access: AccessTable) -> None:
    policy = plan_session_policy([grant("t/a/"), grant("h/b/", Level.WRITE, with_key=True)], access, 2048)

    assert json.loads(policy.text) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::cdm-lake"],
                "Condition": {"StringLike": {"s3:prefix": ["h/b/*", "t/a/*"]}},
            },
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::cdm-lake/t/a/*"]},
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:Abort*",
                    "s3:ListMultipart*",
                ],
                "Resource": ["arn:aws:s3:::cdm-lake/h/b/*", "arn:aws:s3:::cdm-lake/h/b"],
            },
        ],
    }


def test_nothing_granted_is_refused(access: AccessTable) -> None:
    with pytest.raises(NothingGranted):
        plan_session_policy([], access, 2048)


def test_a_policy_may_have_exactly_as_many_bytes_as_the_limit(access: AccessTable) -> None:
    grants = [grant("t/a/"), grant("h/b/", Level.WRITE, with_key=True)]
    size = plan_session_policy(grants, access, 2048).bytes

    assert plan_session_policy(grants, access, size).bytes == size
    with pytest.raises(PolicyTooLarge) as refused:
        plan_session_policy(grants, access, size - 1)
    assert refused.value.details["bytes"] == size


def test_what_does_not_fit_is_refused_by_name(access: AccessTable) -> None:
    grants = [grant(f"t/{'x' * number}/") for number in range(1, 40)]

    with pytest.raises(PolicyTooLarge) as refused:
        plan_session_policy(grants, access, 2048)

    assert refused.value.details["split_possible"] is True
    largest = refused.value.details["largest"]
    assert isinstance(largest, list)
    assert largest[0]["path"] == f"s3://cdm-lake/t/{'x' * 39}/"


def test_a_home_and_eight_tenants_fit_one_session_policy(access: AccessTable, layout: Layout) -> None:
    grants = [*layout.home_grants(UserName("alice"))]
    for tenant in ("kbase", "hydro", "micro", "phage", "soils", "genom", "plant", "metag"):
        grants += layout.tenant_grants(TenantName(tenant), Level.WRITE)

    assert len(grants) == 18
    assert plan_session_policy(grants, access, 2048).bytes <= 2048


PARENT_READ = [grant("a/"), grant("a/b/", Level.WRITE)]
PARENT_WRITE = [grant("a/", Level.WRITE), grant("a/b/")]
TWO_BUCKETS = [grant("a/", Level.WRITE), grant("b/", bucket="data")]
WITH_KEY = [grant("a/b/", with_key=True), grant("a/c/", Level.WRITE, with_key=True)]


@pytest.mark.parametrize(
    ("grants", "action", "where", "allowed"),
    [
        pytest.param(PARENT_READ, "s3:GetObject", "cdm-lake/a/x", True, id="read-in-the-parent"),
        pytest.param(PARENT_READ, "s3:GetObject", "cdm-lake/a/b/x", True, id="read-in-the-child"),
        pytest.param(PARENT_READ, "s3:PutObject", "cdm-lake/a/b/x", True, id="write-in-the-child"),
        pytest.param(PARENT_READ, "s3:PutObject", "cdm-lake/a/x", False, id="no-write-in-the-parent"),
        pytest.param(PARENT_READ, "s3:DeleteObject", "cdm-lake/a/c/x", False, id="no-delete-beside-the-child"),
        pytest.param(PARENT_READ, "s3:PutObject", "cdm-lake/a/b2/x", False, id="no-write-in-the-child's-sibling"),
        pytest.param(PARENT_WRITE, "s3:PutObject", "cdm-lake/a/b/x", True, id="write-in-a-child-that-says-read"),
        pytest.param(PARENT_WRITE, "s3:AbortMultipartUpload", "cdm-lake/a/x", True, id="abort"),
        pytest.param(PARENT_WRITE, "s3:ListMultipartUploadParts", "cdm-lake/a/x", True, id="list-parts"),
        pytest.param(PARENT_READ, "s3:AbortMultipartUpload", "cdm-lake/a/x", False, id="no-abort-where-only-reading"),
        pytest.param(PARENT_WRITE, "s3:GetObject", "cdm-lake/a2/x", False, id="sibling"),
        pytest.param(PARENT_WRITE, "s3:GetObject", "cdm-lake/a", False, id="the-key-itself"),
        pytest.param(TWO_BUCKETS, "s3:PutObject", "cdm-lake/a/x", True, id="first-bucket"),
        pytest.param(TWO_BUCKETS, "s3:GetObject", "data/b/x", True, id="second-bucket"),
        pytest.param(TWO_BUCKETS, "s3:GetObject", "data/a/x", False, id="first-prefix-in-the-second-bucket"),
        pytest.param(TWO_BUCKETS, "s3:GetObject", "cdm-lake/b/x", False, id="second-prefix-in-the-first-bucket"),
        pytest.param(TWO_BUCKETS, "s3:PutObject", "data/b/x", False, id="first-level-in-the-second-bucket"),
        pytest.param(WITH_KEY, "s3:GetObject", "cdm-lake/a/b", True, id="exact-key"),
        pytest.param(WITH_KEY, "s3:PutObject", "cdm-lake/a/b", False, id="exact-key-only-read"),
        pytest.param(WITH_KEY, "s3:PutObject", "cdm-lake/a/c", True, id="exact-key-written"),
        pytest.param(WITH_KEY, "s3:GetObject", "cdm-lake/a/b2", False, id="beside-the-exact-key"),
    ],
)
def test_exactly_what_was_granted(
    access: AccessTable, grants: list[Grant], action: str, where: str, allowed: bool
) -> None:
    bucket, _, key = where.partition("/")
    document = plan_session_policy(grants, access, 2048).text

    assert (decide(document, S3Request(action, bucket, key)) is Decision.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("bucket", "prefix", "allowed"),
    [
        ("cdm-lake", "a/", True),
        ("cdm-lake", "a/x", True),
        ("cdm-lake", "a", False),
        ("cdm-lake", "a2/", False),
        ("cdm-lake", "", False),
        ("cdm-lake", None, False),
        ("cdm-lake", "b/", False),
        ("data", "b/", True),
        ("data", "a/", False),
    ],
)
def test_listings_stay_within_a_prefix_and_a_bucket(
    access: AccessTable, bucket: str, prefix: str | None, allowed: bool
) -> None:
    document = plan_session_policy(TWO_BUCKETS, access, 2048).text

    assert (decide(document, S3Request.listing(bucket, prefix)) is Decision.ALLOWED) is allowed
