"""Who acts for somebody: permitted by a rule, and what comes of it is within the bounds of both."""

from dataclasses import replace
from typing import Any

import pytest

from vendor.errors import RoleRequired
from vendor.identity.acting import on_behalf
from vendor.identity.principal import ActsFor, Principal, PrincipalKind
from vendor.names import TenantName, parse_s3_path, parse_user_name
from vendor.policy.grant import Access, Ask, Level


def most(path: str, level: str = "write") -> tuple[Ask, ...]:
    return (Ask(parse_s3_path(f"s3://lake/{path}"), Level(level)),)


ALICE = Principal(parse_user_name("alice"), PrincipalKind.USER, "https://idp.example", "a", 1.0, trusted_by="dev")
HUB = Principal(parse_user_name("svc.hub"), PrincipalKind.WORKLOAD, "https://hubs.example", "h", 1.0, has_home=False,
                trusted_by="hubs", rule="hub", may_act_for=frozenset({"dev"}))  # fmt: skip


@pytest.mark.parametrize(
    ("hers", "its", "left"),
    [
        pytest.param(None, None, None, id="neither"),
        pytest.param(most("a/"), None, most("a/"), id="hers"),
        pytest.param(None, most("a/", "read"), most("a/", "read"), id="the-actor-s"),
        pytest.param(most("a/"), most("a/b/", "read"), most("a/b/", "read"), id="both"),
    ],
)
def test_what_an_actor_gets_is_within_both_scopes(hers: Any, its: Any, left: Any) -> None:
    found = on_behalf(replace(ALICE, max_scope=hers), replace(HUB, max_scope=its))

    assert found.max_scope == left
    assert found.has_home


@pytest.mark.parametrize(
    ("hers", "its", "left"), [(None, None, None), (5, None, 5), (None, 6, 6), (5, 6, 5), (7, 6, 6)]
)
def test_what_an_actor_gets_lasts_for_the_shorter_time(hers: int | None, its: int | None, left: int | None) -> None:
    found = on_behalf(replace(ALICE, max_lease_seconds=hers), replace(HUB, max_lease_seconds=its))

    assert found.max_lease_seconds == left


@pytest.mark.parametrize(
    ("subject", "actor", "reason"),
    [
        pytest.param({}, {"may_act_for": frozenset({"other"})}, "may_act_for", id="for-others"),
        pytest.param({"trusted_by": None}, {}, "may_act_for", id="subject-of-nobody-knows-where"),
        pytest.param({}, {"acts_for": ActsFor(TenantName("kbase"), Access.READ_ONLY)}, "acts_for", id="for-a-tenant"),
        pytest.param({}, {"break_glass": True}, "break_glass", id="break-glass"),
        pytest.param({"max_scope": most("a/")}, {"max_scope": most("b/")}, "max_scope", id="nothing-in-common"),
    ],
)
def test_who_may_not_act_is_told_why(subject: dict[str, Any], actor: dict[str, Any], reason: str) -> None:
    with pytest.raises(RoleRequired) as refused:
        on_behalf(replace(ALICE, **subject), replace(HUB, **actor))

    assert refused.value.details["reason"] == reason


def test_an_administrator_is_none_for_whoever_acts_for_them() -> None:
    assert not on_behalf(replace(ALICE, admin=True), HUB).admin
