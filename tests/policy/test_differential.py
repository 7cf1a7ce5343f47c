"""Planner and oracle, which share no code, against the plain definition: some grant covers the request."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings

from tests.policy.strategies import PAIRS, REQUESTS_PER_SET, Case, cases, expected
from vendor.errors import PolicyTooLarge
from vendor.policy.access import AccessTable
from vendor.policy.oracle import Decision, Reading, S3Request, decide
from vendor.policy.planner import Part, plan_ceilings, plan_lease_set, plan_session_policy
from vendor.policy.scope import minimal, narrow

pytestmark = pytest.mark.timeout(max(120, PAIRS // 200))  # a night's number of pairs takes some minutes

UNLIMITED = 10**9
SMALL = 900  # bytes, so that a handful of grants has to be shared out

often = settings(
    max_examples=max(1, PAIRS // REQUESTS_PER_SET),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def allowed(documents: list[str], request: S3Request, reading: Reading) -> bool:
    return any(decide(document, request, reading) is Decision.ALLOWED for document in documents)


def odd_for_minio(request: S3Request) -> bool:
    """MinIO cleans a path before it compares it with a literal resource, and refuses such keys before that."""
    return any(part in {"", ".", ".."} for part in (request.key or "x").removesuffix("/").split("/"))


def texts(parts: tuple[Part, ...]) -> list[str]:
    return [part.policy.text for part in parts]


@often
@given(case=cases())
def test_a_session_policy_allows_exactly_what_some_grant_covers(case: Case, access: AccessTable) -> None:
    document = plan_session_policy(case.grants, access, UNLIMITED).text

    for request in case.requests:
        wanted = expected(case.grants, request)
        assert (decide(document, request) is Decision.ALLOWED) is wanted, request
        if not odd_for_minio(request):
            assert (decide(document, request, Reading.MINIO) is Decision.ALLOWED) is wanted, request


@settings(parent=often, max_examples=max(1, PAIRS // REQUESTS_PER_SET // 10))
@given(case=cases())
def test_several_documents_allow_exactly_the_same(case: Case, access: AccessTable) -> None:
    try:
        lease_set = plan_lease_set(case.grants, access, SMALL)
        ceilings = plan_ceilings(case.grants, access, SMALL, deny_admin=True)
    except PolicyTooLarge:
        return

    assert all(part.policy.bytes <= SMALL for part in lease_set + ceilings)
    for request in case.requests:
        wanted = expected(case.grants, request)
        assert allowed(texts(lease_set), request, Reading.AWS) is wanted, request
        assert allowed(texts(ceilings), request, Reading.AWS) is wanted, request


@settings(parent=often, max_examples=max(1, PAIRS // REQUESTS_PER_SET // 10))
@given(case=cases())
def test_the_minimal_set_means_the_same_and_none_of_it_can_go(case: Case) -> None:
    fewest = minimal(case.grants)

    assert narrow(case.grants, None).grants == fewest
    for request in case.requests:
        assert expected(fewest, request) is expected(case.grants, request), request
    for grant in fewest:
        assert not any(other.covers_grant(grant) for other in fewest if other != grant)


def as_minio_counts_it(text: str) -> int:
    """Parse a document and write it again as Go does: sets without repeats, blanks gone, `<`, `>` and `&` escaped."""
    document = json.loads(text)
    for statement in document["Statement"]:
        statement["Action"] = sorted(set(statement["Action"]))
        statement["Resource"] = sorted(set(statement["Resource"]))
    again = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    for mark in "<>&":
        again = again.replace(mark, f"\\u{ord(mark):04x}")
    return len(again.encode("utf-8"))


@settings(parent=often, max_examples=max(1, PAIRS // REQUESTS_PER_SET // 4))
@given(case=cases())
def test_one_form_that_every_store_counts_the_same(case: Case, access: AccessTable) -> None:
    policy = plan_session_policy(case.grants, access, UNLIMITED)

    assert policy.bytes == len(policy.text.encode("ascii"))
    assert policy.bytes >= as_minio_counts_it(policy.text)
    assert policy.sha256 == hashlib.sha256(policy.text.encode("ascii")).hexdigest()
    assert plan_session_policy(tuple(reversed(case.grants)), access, UNLIMITED) == policy
    for statement in json.loads(policy.text)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Effect", "Action", "Resource", "Condition"}
        assert all(isinstance(statement[name], list) and statement[name] for name in ("Action", "Resource"))
        for resource in statement["Resource"]:
            inside = resource.removesuffix("/*")
            assert not set(inside) & set("*?$"), resource
