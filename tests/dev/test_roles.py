"""The documents that an operator installs are wide enough for every lease, and no wider."""

from typing import Any

import pytest

from tests.support.parts import POLICIES
from vendor.dev.roles import role_document
from vendor.policy.access import AccessTable, load_access

VALUES = {
    "BUCKET": "some-lake",
    "ISSUER": "https://vendor.example.org",
    "AUDIENCE": "vendor",
    "SIGNING_KEY": "a2V5",
    "TOKEN_DURATION": "1h",
    "ACCOUNT": "123456789012",
}


def seaweedfs_lease_policy() -> dict[str, Any]:
    iam = role_document(POLICIES, "seaweedfs/iam.json", VALUES)
    (role,) = iam["roles"]
    attached = [policy for policy in iam["policies"] if policy["name"] in role["attachedPolicies"]]
    assert len(attached) == len(role["attachedPolicies"]) == 1
    document: dict[str, Any] = attached[0]["document"]
    return document


def minio_lease_policy() -> dict[str, Any]:
    return role_document(POLICIES, "minio/vendor-lease.json", VALUES)


def aws_lease_policy() -> dict[str, Any]:
    return role_document(POLICIES, "aws/vendor-lease.json", VALUES)


DOCUMENTS = [
    pytest.param(aws_lease_policy, id="aws"),
    pytest.param(seaweedfs_lease_policy, id="seaweedfs"),
    pytest.param(minio_lease_policy, id="minio"),
]


def on(document: dict[str, Any], resource: str) -> set[str]:
    return {
        action
        for statement in document["Statement"]
        if statement["Effect"] == "Allow" and resource in statement["Resource"]
        for action in statement["Action"]
    }


@pytest.fixture(scope="module")
def access() -> AccessTable:
    return load_access(POLICIES / "access.toml")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_role_covers_every_action_a_lease_can_hold(document: Any, access: AccessTable) -> None:
    assert on(document(), "arn:aws:s3:::some-lake/*") == {*access.read, *access.write}
    assert on(document(), "arn:aws:s3:::some-lake") >= {*access.listing, *access.bucket}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_role_reaches_the_one_bucket_and_names_its_actions(document: Any) -> None:
    for statement in document()["Statement"]:
        if statement["Effect"] == "Allow":
            assert {resource.partition("/")[0] for resource in statement["Resource"]} == {"arn:aws:s3:::some-lake"}
            assert not any("*" in action for action in statement["Action"])


def test_a_lease_on_minio_can_never_use_the_admin_api() -> None:
    assert {"Effect": "Deny", "Action": ["admin:*"]} in minio_lease_policy()["Statement"]


def test_seaweedfs_trusts_one_issuer_and_one_service_identity() -> None:
    iam = role_document(POLICIES, "seaweedfs/iam.json", VALUES)
    (provider,) = iam["providers"]
    assert provider["config"] == {
        "issuer": "https://vendor.example.org",
        "clientId": "vendor",
        "policyClaim": "policy",
    }
    assert [statement["Principal"] for statement in iam["roles"][0]["trustPolicy"]["Statement"]] == [
        {"Federated": provider["name"]},
        {"AWS": "arn:aws:iam::000000000000:user/vendor"},
    ]
    assert iam["policy"]["defaultEffect"] == "Deny"


def test_operators_keep_policies_and_nothing_else() -> None:
    iam = role_document(POLICIES, "seaweedfs/iam.json", VALUES)
    (operator,) = (policy["document"] for policy in iam["policies"] if policy["name"] == "vendor-operator")
    assert operator == role_document(POLICIES, "seaweedfs/vendor-operator.json", {})
    (statement,) = operator["Statement"]
    assert all("Polic" in action and action.startswith("iam:") for action in statement["Action"])
    assert not any(word in action for action in statement["Action"] for word in ("Attach", "User", "*"))

    (statement,) = role_document(POLICIES, "minio/vendor-operator.json", {})["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["admin:CreatePolicy", "admin:DeletePolicy", "admin:GetPolicy", "admin:ListUserPolicies"],
    }


def test_on_aws_the_service_identity_alone_assumes_the_role() -> None:
    (statement,) = role_document(POLICIES, "aws/trust.json", VALUES)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:user/vendor"}
    assert statement["Action"] == ["sts:AssumeRole"]


def test_a_hole_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError, match="BUCKET"):
        role_document(POLICIES, "minio/vendor-lease.json", {})


def test_a_value_cannot_add_to_a_document() -> None:
    evil = 'x"], "Effect": "Allow", "Action": ["s3:*'
    document = role_document(POLICIES, "minio/vendor-lease.json", {"BUCKET": evil})
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow", "Deny"}
    assert on(document, f"arn:aws:s3:::{evil}") == on(minio_lease_policy(), "arn:aws:s3:::some-lake")
