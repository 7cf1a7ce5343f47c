"""Explanations: through what something is allowed, what is nearest if it is not, and whom to ask."""

import pytest
from hypothesis import given, settings

from tests.policy.strategies import Case, cases, expected
from vendor.errors import InvalidRequest
from vendor.names import Bucket, S3Key, S3Path, TenantName, UserName, parse_prefix, parse_s3_path
from vendor.policy.access import AccessTable
from vendor.policy.explain import covers, explain, owner_of, parse_action, weigh, who_can
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout
from vendor.policy.planner import policy_for

LAKE = Bucket("cdm-lake")
BOB = "s3://cdm-lake/users-general-warehouse/bob"
KBASE = "s3://cdm-lake/tenant-general-warehouse/kbase"


def shared(prefix: str, level: Level = Level.READ) -> Grant:
    return Grant(LAKE, parse_prefix(prefix), level, Source("share:s_1"), with_key=True)


@pytest.fixture
def grants(layout: Layout) -> tuple[Grant, ...]:
    return (
        *layout.home_grants(UserName("alice")),
        *layout.tenant_grants(TenantName("kbase"), Level.READ),
        shared("users-general-warehouse/bob/out/"),
    )


@pytest.mark.parametrize(
    ("path", "level", "sources"),
    [
        pytest.param("s3://cdm-lake/users-general-warehouse/alice/x", Level.WRITE, ["home"], id="home"),
        pytest.param(f"{KBASE}/x", Level.READ, ["tenant:kbase"], id="tenant"),
        pytest.param(KBASE, Level.READ, ["tenant:kbase"], id="root-without-slash"),
        pytest.param(f"{BOB}/out", Level.READ, ["share:s_1"], id="share"),
    ],
)
def test_what_is_allowed_says_through_what(
    grants: tuple[Grant, ...], layout: Layout, path: str, level: Level, sources: list[str]
) -> None:
    explanation = explain(grants, parse_s3_path(path), level, layout)

    assert explanation.allowed
    assert [grant.source for grant in explanation.because] == sources
    assert explanation.nearest == ()


@pytest.mark.parametrize(
    ("path", "level", "nearest", "remedy"),
    [
        pytest.param(
            f"{KBASE}/x", Level.WRITE, "tenant-general-warehouse/kbase/", "steward of the tenant kbase", id="only-read"
        ),
        pytest.param(f"{BOB}/secret", Level.READ, "users-general-warehouse/bob/out/", "Ask bob", id="a-home"),
        pytest.param(f"{BOB}/out2/x", Level.READ, "users-general-warehouse/bob/out/", "Ask bob", id="sibling"),
        pytest.param(BOB, Level.READ, "users-general-warehouse/bob/out/", "Only parts", id="wider-than-a-share"),
        pytest.param("s3://cdm-lake/elsewhere/x", Level.READ, None, "operator", id="nobody's"),
        pytest.param("s3://other/users-general-warehouse/alice/", Level.READ, None, "operator", id="other-bucket"),
        pytest.param(
            "s3://cdm-lake/tenant-sql-warehouse/hydro/",
            Level.READ,
            "tenant-sql-warehouse/kbase/",
            "tenant hydro",
            id="tenant",
        ),
    ],
)
def test_what_is_not_allowed_names_the_nearest_and_whom_to_ask(
    grants: tuple[Grant, ...], layout: Layout, path: str, level: Level, nearest: str | None, remedy: str
) -> None:
    explanation = explain(grants, parse_s3_path(path), level, layout)

    assert not explanation.allowed
    assert explanation.because == ()
    assert (explanation.nearest[0].prefix if explanation.nearest else None) == nearest
    assert remedy in explanation.remedy


def test_what_no_grant_ever_allows_is_said_to_be_so(grants: tuple[Grant, ...], layout: Layout) -> None:
    explanation = explain(grants, parse_s3_path("s3://cdm-lake/users-general-warehouse/alice/"), None, layout)

    assert not explanation.allowed
    assert "No lease ever" in explanation.remedy


def test_the_owner_of_a_path(layout: Layout) -> None:
    assert owner_of(parse_s3_path(f"{BOB}/x"), layout).user == "bob"
    assert owner_of(parse_s3_path(KBASE), layout).tenant == "kbase"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("read", Level.READ),
        ("list", Level.READ),
        ("write", Level.WRITE),
        ("s3:GetObject", Level.READ),
        ("s3:putobject", Level.WRITE),
        ("s3:PutBucketPolicy", None),
    ],
)
def test_actions_by_name(access: AccessTable, text: str, level: Level | None) -> None:
    assert parse_action(text, access) is level


@pytest.mark.parametrize("text", ["", "READ", "delete", "s3:", "s3:*", "s3:Get Object", "iam:GetUser", "s3:Gét"])
def test_what_is_no_action_is_refused(access: AccessTable, text: str) -> None:
    with pytest.raises(InvalidRequest, match="action"):
        parse_action(text, access)


def test_who_reaches_a_path(layout: Layout) -> None:
    holders = {
        "bob": layout.home_grants(UserName("bob")),
        "alice": (*layout.home_grants(UserName("alice")), shared("users-general-warehouse/bob/out/")),
        "carol": (shared("users-general-warehouse/bob/"),),
        "dave": (shared("users-general-warehouse/bobby/", Level.WRITE),),
    }

    readers = who_can(holders, parse_s3_path(BOB), Level.READ)
    writers = who_can(holders, parse_s3_path(BOB), Level.WRITE)

    assert [(one.holder, one.whole, one.grants[0].source) for one in readers] == [
        ("bob", True, "home"),
        ("carol", True, "share:s_1"),
        ("alice", False, "share:s_1"),
    ]
    assert [one.holder for one in writers] == ["bob"]


def test_weights_add_up_to_the_policy(access: AccessTable, grants: tuple[Grant, ...]) -> None:
    child = shared("users-general-warehouse/alice/x/")
    total, weighed = weigh([*grants, child, grants[0]], access)

    assert total == policy_for(grants, access).bytes
    assert [one.bytes for one in weighed][-2:] == [0, 0]
    assert all(one.bytes > 0 for one in weighed[:-2])
    assert sum(one.bytes for one in weighed) < total
    assert weigh([], access) == (0, ())


@settings(max_examples=50, deadline=None)
@given(case=cases())
def test_an_explanation_and_a_policy_never_disagree_about_an_object(case: Case) -> None:
    for request in case.requests:
        if request.key and request.action in {"s3:GetObject", "s3:PutObject"}:
            level = Level.READ if request.action == "s3:GetObject" else Level.WRITE
            path = S3Path("", Bucket(request.bucket), S3Key(request.key))
            allowed = any(covers(grant, path, level) for grant in case.grants)
            as_folder = S3Path("", Bucket(request.bucket), S3Key(path.prefix))
            inside = any(covers(grant, as_folder, level) for grant in case.grants)
            assert allowed is (expected(case.grants, request) or inside)
