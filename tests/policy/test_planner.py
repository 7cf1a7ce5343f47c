"""The planner's documents, as the stores get them."""

import json

import pytest

from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.names import TenantName, UserName, parse_bucket, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout
from vendor.policy.planner import plan_session_policy

LAKE = parse_bucket("cdm-lake")


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
