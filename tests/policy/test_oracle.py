"""The oracle by itself: AWS's evaluation rules and MinIO's matching rules, as tables."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendor.policy.oracle import Decision, Reading, S3Request, UndecidableDocument, decide, like

ALLOWED, DENIED, NOT_ALLOWED = Decision.ALLOWED, Decision.DENIED, Decision.NOT_ALLOWED
ARN = "arn:aws:s3:::"


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect: str = "Allow", **members: object) -> dict[str, object]:
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": f"{ARN}lake/a/*", **members}


def without(statement: dict[str, object], *members: str) -> dict[str, object]:
    return {name: value for name, value in statement.items() if name not in members}


GET = S3Request("s3:GetObject", "lake", "a/x")


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        pytest.param(document(), NOT_ALLOWED, id="nothing-is-allowed-by-default"),
        pytest.param(document(statement()), ALLOWED, id="allowed"),
        pytest.param(document(statement(), statement("Deny")), DENIED, id="a-denial-wins"),
        pytest.param(document(statement("Deny"), statement()), DENIED, id="wherever-it-stands"),
        pytest.param(
            document(statement(), statement("Deny", Resource=f"{ARN}lake/b/*")), ALLOWED, id="denied-elsewhere"
        ),
        pytest.param(document(statement("Deny")), DENIED, id="only-denied"),
        pytest.param(document(statement(Action=["s3:PutObject", "s3:GetObject"])), ALLOWED, id="one-of-the-actions"),
        pytest.param(document(statement(Action="s3:PutObject")), NOT_ALLOWED, id="other-action"),
        pytest.param(document(statement(Action="s3:Get*")), ALLOWED, id="action-pattern"),
        pytest.param(document(statement(Action="*")), ALLOWED, id="any-action"),
        pytest.param(document(statement(Resource=[f"{ARN}x/*", f"{ARN}lake/a/x"])), ALLOWED, id="one-of-the-resources"),
        pytest.param(document(statement(Resource="*")), ALLOWED, id="any-resource"),
        pytest.param(document(statement(Resource=f"{ARN}lake/A/*")), NOT_ALLOWED, id="keys-respect-case"),
        pytest.param(document(statement(Resource=f"{ARN}lake/?/x")), ALLOWED, id="question-mark"),
        pytest.param(document(statement(Resource=f"{ARN}*x")), ALLOWED, id="star-crosses-slashes"),
        pytest.param(document(statement(Resource=f"{ARN}lake")), NOT_ALLOWED, id="bucket-is-not-its-objects"),
        pytest.param(
            document(without(statement(NotAction="s3:PutObject"), "Action")), ALLOWED, id="not-another-action"
        ),
        pytest.param(document(without(statement(NotAction="s3:Get*"), "Action")), NOT_ALLOWED, id="not-this-action"),
        pytest.param(
            document(without(statement(NotResource=f"{ARN}lake/b/*"), "Resource")), ALLOWED, id="not-another-resource"
        ),
        pytest.param(
            document(without(statement(NotResource=f"{ARN}lake/a/*"), "Resource")), NOT_ALLOWED, id="not-this-resource"
        ),
        pytest.param(
            document(without(statement("Deny", Action="admin:*"), "Resource"), statement()), ALLOWED, id="admin-denied"
        ),
    ],
)
def test_effects_actions_and_resources(text: str, decision: Decision) -> None:
    assert decide(text, GET) is decision
    assert decide(text, GET, Reading.MINIO) is decision


@pytest.mark.parametrize(
    ("resource", "request_", "aws", "minio"),
    [
        pytest.param("lake", S3Request.listing("lake"), True, True, id="bucket-by-name"),
        pytest.param("lake/*", S3Request.listing("lake"), False, True, id="bucket-by-its-objects"),
        pytest.param("lake/a/*", S3Request.listing("lake"), False, False, id="bucket-by-a-folder"),
        pytest.param("lake/a", S3Request("s3:ListBucket", "lake", "a/"), False, True, id="cleaned-path"),
        pytest.param("lake*", S3Request.listing("lakes"), True, True, id="bucket-pattern"),
    ],
)
def test_where_the_readings_of_resources_differ(resource: str, request_: S3Request, aws: bool, minio: bool) -> None:
    text = document(statement(Action="s3:ListBucket", Resource=ARN + resource))

    assert (decide(text, request_, Reading.AWS) is ALLOWED) is aws
    assert (decide(text, request_, Reading.MINIO) is ALLOWED) is minio


def test_where_the_readings_of_actions_differ() -> None:
    in_lower_case = document(statement(Action="s3:getobject"))
    of_versions = document(statement(Action="s3:GetObjectVersion"))

    assert decide(in_lower_case, GET, Reading.AWS) is ALLOWED
    assert decide(in_lower_case, GET, Reading.MINIO) is NOT_ALLOWED
    assert decide(of_versions, GET, Reading.AWS) is NOT_ALLOWED
    assert decide(of_versions, GET, Reading.MINIO) is ALLOWED


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "met"),
    [
        ("StringEquals", "a/", ("a/",), True),
        ("StringEquals", "a/", ("A/",), False),
        ("StringEquals", ["b/", "a/"], ("a/",), True),
        ("StringEquals", "a/*", ("a/x",), False),
        ("StringEquals", "a/", (), False),
        ("StringEqualsIgnoreCase", "a/", ("A/",), True),
        ("StringNotEquals", "a/", ("b/",), True),
        ("StringNotEquals", "a/", ("a/",), False),
        ("StringNotEquals", "a/", (), True),
        ("StringNotEqualsIgnoreCase", "a/", ("A/",), False),
        ("StringLike", "a/*", ("a/x/y",), True),
        ("StringLike", "a/*", ("a/",), True),
        ("StringLike", "a/*", ("a",), False),
        ("StringLike", "a/*", ("",), False),
        ("StringLike", "a/*", (), False),
        ("StringLike", "", ("",), True),
        ("StringNotLike", "a/*", ("b",), True),
        ("StringNotLike", "a/*", ("a/x",), False),
        ("StringLikeIfExists", "a/*", (), True),
        ("StringLikeIfExists", "a/*", ("b",), False),
        ("ForAnyValue:StringLike", "a/*", ("b", "a/x"), True),
        ("ForAnyValue:StringLike", "a/*", (), False),
        ("ForAllValues:StringLike", "a/*", ("b", "a/x"), False),
        ("ForAllValues:StringLike", "a/*", ("a/y", "a/x"), True),
        ("ForAllValues:StringLike", "a/*", (), True),
        ("ForAnyValue:StringNotEquals", "a/", ("b", "a/"), True),
        ("ForAnyValue:StringNotEquals", "a/", (), False),
    ],
)
def test_conditions(operator: str, wanted: object, values: tuple[str, ...], met: bool) -> None:
    text = document(
        statement(Action="s3:ListBucket", Resource=f"{ARN}lake", Condition={operator: {"s3:prefix": wanted}})
    )
    request = S3Request("s3:ListBucket", "lake", None, {"s3:prefix": values} if values else {})

    assert (decide(text, request) is ALLOWED) is met


def test_every_condition_must_hold_and_their_names_have_no_case() -> None:
    both = {"StringLike": {"S3:Prefix": "a/*", "s3:delimiter": "/"}}
    text = document(statement(Action="s3:ListBucket", Resource=f"{ARN}lake", Condition=both))

    assert decide(text, S3Request("s3:ListBucket", "lake", None, {"s3:prefix": ("a/",)})) is NOT_ALLOWED
    request = S3Request("s3:ListBucket", "lake", None, {"s3:prefix": ("a/",), "s3:delimiter": ("/",)})
    assert decide(text, request) is ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a-list"),
        pytest.param("{", id="not-json"),
        pytest.param("[" * 10_000, id="nested"),
        pytest.param('{"Version":"2012-10-17"}', id="no-statements"),
        pytest.param('{"Version":"2008-10-17","Statement":[]}', id="old"),
        pytest.param('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', id="member-twice"),
        pytest.param('{"Version":"2012-10-17","Statement":[],"X":NaN}', id="nan"),
        pytest.param('{"Version":"2012-10-17","Statement":{}}', id="statement-not-a-list"),
        pytest.param('{"Version":"2012-10-17","Statement":[7]}', id="statement-a-number"),
        pytest.param(document(statement("allow")), id="effect"),
        pytest.param(document(statement(Principal="*")), id="principal"),
        pytest.param(document(statement(Conditions={})), id="misspelt"),
        pytest.param(document(statement(NotAction="x")), id="action-and-not-action"),
        pytest.param(document(without(statement(), "Action")), id="no-action"),
        pytest.param(document(without(statement(), "Resource")), id="no-resource"),
        pytest.param(document(statement(Action=[])), id="no-actions"),
        pytest.param(document(statement(Action=[1])), id="action-a-number"),
        pytest.param(document(statement(Resource="lake/*")), id="no-arn"),
        pytest.param(document(statement(Resource=f"{ARN}lake/${{aws:username}}/*")), id="variable"),
        pytest.param(document(statement(Condition=[])), id="condition-a-list"),
        pytest.param(document(statement(Condition={"StringLike": "x"})), id="operator-without-keys"),
        pytest.param(document(statement(Condition={"Bool": {"aws:SecureTransport": "true"}})), id="operator"),
        pytest.param(document(statement(Condition={"ForNone:StringLike": {"s3:prefix": "x"}})), id="qualifier"),
    ],
)
def test_what_cannot_be_decided_is_refused(text: str) -> None:
    with pytest.raises(UndecidableDocument):
        decide(text, GET)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?/", max_size=8), st.text(alphabet="ab*/", max_size=10))
def test_matching_is_what_a_regular_expression_says(pattern: str, text: str) -> None:
    wanted = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")

    assert like(pattern, text) is (re.fullmatch(wanted, text, re.DOTALL) is not None)


def test_matching_many_stars_takes_no_exponential_time() -> None:
    assert not like("*a" * 200 + "b", "a" * 2000)
