"""Plain counts."""

import pytest

from vendor.errors import StoreRefused
from vendor.tally import Calls, Leases, Timings


def test_timings_are_cumulative() -> None:
    timings = Timings(bounds=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        timings.add(seconds)

    assert timings.cumulative() == [("0.1", 2.0), ("1.0", 3.0), ("+Inf", 4.0)]
    assert timings.total == pytest.approx(7.65)
    assert Timings(bounds=(0.1,)).cumulative() == [("0.1", 0.0), ("+Inf", 0.0)]


def test_calls_tell_refusals_from_failures() -> None:
    calls = Calls()
    for problem in (None, StoreRefused("no"), TimeoutError()):
        try:
            with calls.timed("AssumeRole", refused=StoreRefused):
                if problem is not None:
                    raise problem
        except (StoreRefused, TimeoutError):
            pass

    assert calls.outcomes == {("AssumeRole", "ok"): 1, ("AssumeRole", "refused"): 1, ("AssumeRole", "failed"): 1}
    assert calls.seconds["AssumeRole"].cumulative()[-1] == ("+Inf", 3.0)


def test_leases_are_counted_by_what_came_of_them() -> None:
    leases = Leases()
    leases.add("api", "issued", "default")
    leases.refused("sts", "other", failed=False)
    leases.refused("sts", "other", failed=True)

    assert leases.counts == {
        ("api", "issued", "default"): 1,
        ("sts", "denied", "other"): 1,
        ("sts", "failed", "other"): 1,
    }
