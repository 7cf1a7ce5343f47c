"""A caller's own policy narrows exactly, or is refused; it never widens."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.strategies import BUCKETS, PAIRS, Case, cases, expected
from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.names import parse_bucket, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.caller import UnsupportedPolicy, parse_caller_policy
from vendor.policy.carve import Carved, intersect
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.oracle import Decision, S3Request, decide
from vendor.policy.planner import plan_session_policy

ARN = "arn:aws:s3:::"
HOME = Grant(parse_bucket("lake"), parse_prefix("h/alice/"), Level.WRITE, Source("home"), with_key=True)
TENANT = Grant(parse_bucket("lake"), parse_prefix("t/kbase/"), Level.READ, Source("tenant:kbase"))


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: object, resources: object, condition: object = None) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement if condition is None else statement | {"Condition": condition}


def carved(text: str, access: AccessTable, *grants: Grant) -> Carved:
    return intersect(grants or (HOME, TENANT), text, access, 2048)


def test_everything_of_everything_is_what_is_granted(access: AccessTable) -> None:
    result = carved(document(allow("s3:*", "*")), access)

    assert result.grants == (HOME, TENANT)
    assert result.policy.bytes == plan_session_policy([HOME, TENANT], access, 2048).bytes


def test_a_download_policy_keeps_one_action_on_one_folder(access: AccessTable) -> None:
    result = carved(document(allow("s3:GetObject", f"{ARN}lake/t/kbase/run1/*")), access)

    assert json.loads(result.policy.text)["Statement"] == [allow(["s3:GetObject"], [f"{ARN}lake/t/kbase/run1/*"])]
    assert [(grant.prefix, grant.level, grant.source) for grant in result.grants] == [
        ("t/kbase/run1/", Level.READ, "tenant:kbase")
    ]


def test_more_than_is_granted_is_cut_to_what_is_granted(access: AccessTable) -> None:
    result = carved(document(allow(["s3:PutObject", "s3:PutBucketPolicy"], [f"{ARN}lake/*", f"{ARN}other/*"])), access)

    assert json.loads(result.policy.text)["Statement"] == [
        allow(["s3:PutObject"], [f"{ARN}lake/h/alice/*", f"{ARN}lake/h/alice"])
    ]


def test_a_listing_is_cut_to_the_prefixes_of_both(access: AccessTable) -> None:
    listed = {"StringLike": {"s3:prefix": ["", "t/kbase/run1/*", "t/kbase/run1/", "h/*", "other/*"]}}

    result = carved(document(allow("s3:ListBucket", f"{ARN}lake", listed)), access)

    assert json.loads(result.policy.text)["Statement"] == [
        allow(["s3:ListBucket"], [f"{ARN}lake"], {"StringLike": {"s3:prefix": ["h/alice/*", "t/kbase/run1/*"]}})
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(document(allow("s3:GetObject", f"{ARN}other/*")), id="other-bucket"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/h/alice2/*")), id="sibling"),
        pytest.param(
            document(allow("s3:PutObject", f"{ARN}lake/t/*")), id="only-writing-where-only-reading-is-granted"
        ),
        pytest.param(document(allow("s3:ListBucket", f"{ARN}lake/*")), id="listing-on-objects"),
        pytest.param(document(allow("sts:GetCallerIdentity", "*")), id="other-service"),
        pytest.param(document(allow("s3:GetObject", "arn:aws:sqs:::lake/*")), id="other-service's-resource"),
        pytest.param(
            document(allow("s3:GetObject", "*", {"StringLike": {"s3:prefix": ["*"]}})), id="no-object-has-a-prefix"
        ),
    ],
)
def test_nothing_in_common_is_refused_and_never_an_empty_policy(access: AccessTable, text: str) -> None:
    with pytest.raises(NothingGranted):
        carved(text, access)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("{", id="not-json"),
        pytest.param("[]", id="a-list"),
        pytest.param("null", id="null"),
        pytest.param("9" * 2000 + "e", id="digits"),
        pytest.param("[" * 2000, id="nested"),
        pytest.param(document(allow("s3:*", "*")) + " " * 2048, id="2049-and-more"),
        pytest.param('{"Version":"2012-10-17","Statement":[]}', id="no-statements"),
        pytest.param('{"Version":"2008-10-17","Statement":[{"Effect":"Allow"}]}', id="old-version"),
        pytest.param('{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}', id="no-version"),
        pytest.param('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', id="member-twice"),
        pytest.param('{"Version":NaN,"Statement":[]}', id="nan"),
        pytest.param(document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}), id="only-a-denial"),
        pytest.param(document(allow("*", "*"), {"Effect": "Deny", "Action": "*", "Resource": "*"}), id="denial"),
        pytest.param(document({"Effect": "allow", "Action": "*", "Resource": "*"}), id="effect-in-lower-case"),
        pytest.param(document({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}), id="not-action"),
        pytest.param(document({"Effect": "Allow", "Action": "*", "NotResource": "x"}), id="not-resource"),
        pytest.param(document(allow("*", "*") | {"Principal": "*"}), id="principal"),
        pytest.param(document(allow("*", "*") | {"Conditions": {}}), id="misspelt-condition"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/${{aws:username}}/*")), id="variable"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/*/run1/*")), id="wildcard-inside"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}*/*")), id="wildcard-for-the-bucket"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbase/../x/*")), id="dot-segments"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbase//x/*")), id="empty-segment"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbase/\ud800/*")), id="lone-surrogate"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbase/\n")), id="control-character"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbas?/*")), id="question-mark"),
        pytest.param(document(allow("s3:GetObject", f"{ARN}lake/t/kbase/run*")), id="half-a-name"),
        pytest.param(document(allow("s3:GetObject", "lake/t/*")), id="no-arn"),
        pytest.param(document(allow("s3:GetObject", [])), id="no-resources"),
        pytest.param(document(allow([], "*")), id="no-actions"),
        pytest.param(document(allow([1], "*")), id="action-of-a-wrong-type"),
        pytest.param(document(allow("GetObject", "*")), id="action-without-service"),
        pytest.param(document(allow("s3:ListBucket", "*", {"IpAddress": {"aws:SourceIp": "::/0"}})), id="address"),
        pytest.param(document(allow("s3:ListBucket", "*", {"StringLike": {"s3:delimiter": "/"}})), id="delimiter"),
        pytest.param(document(allow("s3:ListBucket", "*", {"StringNotLike": {"s3:prefix": "x"}})), id="negation"),
        pytest.param(document(allow("s3:ListBucket", "*", {"StringEquals": {"s3:prefix": "h/*"}})), id="literal-star"),
        pytest.param(document(allow("s3:ListBucket", "*", {})), id="empty-condition"),
        pytest.param(document(allow("s3:ListBucket", "*", {"StringLike": {}})), id="empty-operator"),
    ],
)
def test_what_cannot_be_carried_over_exactly_is_refused(access: AccessTable, text: str) -> None:
    with pytest.raises(UnsupportedPolicy) as refused:
        carved(text, access)

    assert refused.value.code == "invalid_request"


def test_the_result_obeys_the_limit_too(access: AccessTable) -> None:
    grants = [
        Grant(HOME.bucket, parse_prefix(f"t/{'x' * 60}{number}/"), Level.READ, HOME.source) for number in range(30)
    ]

    with pytest.raises(PolicyTooLarge):
        carved(document(allow("s3:*", "*")), access, *grants)


def test_one_statement_need_not_be_a_list() -> None:
    (statement,) = parse_caller_policy(
        json.dumps({"Version": "2012-10-17", "Statement": {"Sid": "x", **allow("s3:Get*", [f"{ARN}lake/*"])}})
    )

    assert statement.allows_action("s3:getobject")
    assert not statement.allows_action("s3:PutObject")


_ACTIONS = (
    "s3:*",
    "*",
    "s3:GetObject",
    "s3:Get*",
    "s3:PutObject",
    "s3:*Object",
    "s3:ListBucket",
    "s3:List*",
    "s3:getobjec?",
)
_RESOURCES = ("*", "{b}", "{b}/*", "{b}/{p}*", "{b}/{k}", "{b}/{p}x", "{b}/{p}x/*", "{b}*", "{b}/{p}", "{b}/a*")
_PREFIXES = ("", "*", "{p}*", "{p}", "{k}", "{p}x/*", "{p}x/", "a*")


@st.composite
def situations(draw: st.DrawFn) -> tuple[Case, str]:
    case = draw(cases())
    pieces = st.sampled_from(case.grants)

    def filled(shape: str) -> str:
        grant = draw(pieces)
        marks = {"{b}": draw(st.sampled_from(BUCKETS)), "{p}": grant.prefix, "{k}": grant.key}
        for mark, text in marks.items():
            shape = shape.replace(mark, text)
        return shape

    statements = []
    for _ in range(draw(st.integers(1, 3))):
        actions = draw(st.lists(st.sampled_from(_ACTIONS), min_size=1, max_size=3))
        shapes = draw(st.lists(st.sampled_from(_RESOURCES), min_size=1, max_size=3))
        resources = ["*" if shape == "*" else ARN + filled(shape) for shape in shapes]
        condition = None
        if draw(st.booleans()):
            prefixes = [filled(shape) for shape in draw(st.lists(st.sampled_from(_PREFIXES), min_size=1, max_size=3))]
            condition = {"StringLike": {"s3:prefix": prefixes}}
        statements.append(allow(actions, resources, condition))
    return case, document(*statements)


@settings(
    max_examples=max(1, PAIRS // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(situation=situations())
def test_the_result_allows_exactly_what_both_allow(situation: tuple[Case, str], access: AccessTable) -> None:
    case, text = situation
    try:
        result = intersect(case.grants, text, access, 10**9)
    except UnsupportedPolicy:
        return
    except NothingGranted:
        result = None

    for request in case.requests:
        both = expected(case.grants, request) and decide(text, request) is Decision.ALLOWED
        got = result is not None and decide(result.policy.text, request) is Decision.ALLOWED
        assert got is both, request
        if got and result is not None:
            assert _recorded(result, request), request


def _recorded(result: Carved, request: S3Request) -> bool:
    """The record of a lease must not say less than the lease can do."""
    if request.key is None:
        (prefix,) = request.context["s3:prefix"]
        return any(
            grant.bucket == request.bucket and (prefix + "/").startswith(grant.prefix) for grant in result.grants
        )
    level = Level.READ if request.action == "s3:GetObject" else Level.WRITE
    return any(grant.covers_object(request.bucket, request.key, level) for grant in result.grants)
