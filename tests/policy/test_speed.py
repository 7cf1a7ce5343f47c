"""Planning is fast, and stays so as grants grow in number."""

import gc
from collections.abc import Iterator

import pytest

from tests.bench.bench_plan import measure


@pytest.fixture
def quiet() -> Iterator[None]:
    """No garbage collection while the clock runs: other tests leave plenty behind."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("quiet")
def test_planning_is_fast_and_grows_about_linearly() -> None:
    timings, growth = measure(sizes=((20, 50), (100, 500), (1_000, 8_000)), quick=True)
    taken = {timing.name: timing.milliseconds for timing in timings}

    assert taken["plan/92"] < 1
    assert taken["plan-document/92"] < 1
    assert taken["plan/10002"] < 150  # some 60 on a machine that has nothing else to do
    assert taken["plan-document/10002"] < 90
    assert all(power < 1.35 for power in growth.values()), growth
