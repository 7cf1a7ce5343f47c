"""How long a lease lasts: rules, maxima, and ends of grants."""

import pytest

from vendor.errors import InvalidDuration, ScopeNotGranted
from vendor.leases.duration import DurationRules, choose_duration

RULES = DurationRules(default=3600, least=900, most=43_200)
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("asked", "store_least", "most", "ends_in", "seconds"),
    [
        pytest.param(None, 1, None, None, 3600, id="default"),
        pytest.param(900, 1, None, None, 900, id="least"),
        pytest.param(43_200, 1, None, None, 43_200, id="most"),
        pytest.param(7200, 1, 1800, None, 1800, id="principal's-maximum-cuts"),
        pytest.param(None, 1, None, 1000.7, 1000, id="earliest-end-cuts-and-rounds-down"),
        pytest.param(None, 1, None, 1e9, 3600, id="far-end-does-not-matter"),
        pytest.param(None, 7200, None, None, 7200, id="default-below-what-the-store-can"),
    ],
)
def test_chosen(asked: int | None, store_least: int, most: int | None, ends_in: float | None, seconds: int) -> None:
    ends_at = None if ends_in is None else NOW + ends_in

    assert choose_duration(asked, RULES, store_least=store_least, most=most, ends_at=ends_at, now=NOW) == seconds


@pytest.mark.parametrize("asked", [0, -1, 1, 899, 43_201, 2**63])
def test_outside_the_rules(asked: int) -> None:
    with pytest.raises(InvalidDuration) as refusal:
        choose_duration(asked, RULES, store_least=1, most=None, ends_at=None, now=NOW)
    assert refusal.value.details == {"minimum": 900, "maximum": 43_200}


def test_what_the_store_can_do_is_named_where_it_is_more() -> None:
    with pytest.raises(InvalidDuration) as refusal:
        choose_duration(900, RULES, store_least=1200, most=None, ends_at=None, now=NOW)
    assert refusal.value.details["minimum"] == 1200


def test_a_grant_that_ends_too_soon_is_not_leased() -> None:
    with pytest.raises(ScopeNotGranted) as refusal:
        choose_duration(None, RULES, store_least=1, most=None, ends_at=NOW + 899, now=NOW)
    assert refusal.value.details == {"minimum": 900}


def test_a_principal_s_maximum_below_what_the_store_can_do_is_refused() -> None:
    with pytest.raises(InvalidDuration) as refusal:
        choose_duration(None, RULES, store_least=1, most=899, ends_at=None, now=NOW)
    assert refusal.value.details == {"minimum": 900, "maximum": 899}
