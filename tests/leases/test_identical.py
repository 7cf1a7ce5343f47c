"""Everything that makes two asks different keeps them from sharing keys."""

from dataclasses import fields, replace

import pytest

from tests.support.callers import caller
from tests.support.shop import KBASE_DATA, Counter, ask
from vendor.identity.principal import ActedBy
from vendor.leases.lease import LeaseAsk
from vendor.leases.shield.identical import ask_mark
from vendor.names import UserName
from vendor.policy.grant import Level

ASK = ask((KBASE_DATA, Level.READ), duration=60)
ALICE = caller("alice").principal


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ask((KBASE_DATA, Level.WRITE), duration=60), id="scope"),
        pytest.param(replace(ASK, duration=61), id="duration"),
        pytest.param(replace(ASK, partial=True), id="partial"),
        pytest.param(replace(ASK, audit_context={"job": "x"}), id="audit-context"),
        pytest.param(replace(ASK, policy="{}"), id="policy"),
        pytest.param(replace(ASK, at_most=Level.READ), id="at-most"),
    ],
)
def test_other_asks(other: LeaseAsk) -> None:
    assert ask_mark(ALICE, ASK, Counter.settings) != ask_mark(ALICE, other, Counter.settings)
    assert ask_mark(ALICE, ASK, Counter.settings) == ask_mark(ALICE, replace(ASK), Counter.settings)


def test_every_part_of_an_ask_is_thought_of() -> None:
    """A new member of an ask has to be put into the mark and into the table above."""
    thought_of = {"scope", "duration", "partial", "audit_context", "policy", "at_most"}
    assert {field.name for field in fields(LeaseAsk)} == thought_of | {"renewable_for", "store"}


def test_who_acts_makes_a_difference() -> None:
    acted = replace(ALICE, acted_by=ActedBy(UserName("hub"), "https://i", "hub"))
    assert ask_mark(ALICE, ASK, Counter.settings) != ask_mark(acted, ASK, Counter.settings)
