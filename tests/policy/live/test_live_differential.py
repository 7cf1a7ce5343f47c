"""What real stores answer to real calls, against what the oracle says of the same document."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.policy.live.deviations import DEVIATIONS, Outcome, expected
from tests.policy.live.ministack import Ministack, running_ministack
from tests.policy.live.operations import perform
from tests.policy.live.stores import LiveStore
from tests.policy.live.wire import Answer, Wire
from tests.policy.strategies import REQUESTS_PER_SET, Case, cases
from vendor.policy.access import AccessTable
from vendor.policy.oracle import Reading
from vendor.policy.planner import plan_session_policy

PAIRS = int(os.environ.get("VENDOR_POLICY_LIVE_PAIRS", "1600"))
"""How many pairs each store is asked: always the same ones, unless the number is set."""

pytestmark = pytest.mark.timeout(max(300, PAIRS // 10))

_live = settings(
    max_examples=-(-PAIRS // REQUESTS_PER_SET),
    deadline=None,
    derandomize="VENDOR_POLICY_LIVE_PAIRS" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=[Phase.generate],  # shrinking asks a store thousands of times; what failed is short enough to read
)


class Asked(Protocol):
    """A store that leases can be had from."""

    @property
    def kind(self) -> str: ...
    @property
    def reading(self) -> Reading: ...
    def admin(self) -> Wire: ...
    def lease(self, policy: str, *, by: str) -> Wire: ...


def test_a_store_answers_as_the_oracle_says(store: LiveStore, access: AccessTable) -> None:
    compare(store, access)


@pytest.fixture(scope="module")
def ministack() -> Iterator[Ministack]:
    with running_ministack() as running:
        yield running


def test_an_emulator_of_aws_answers_as_the_oracle_says(ministack: Ministack, access: AccessTable) -> None:
    compare(ministack, access)


def compare(store: Asked, access: AccessTable) -> None:
    tried: Counter[str] = Counter()
    sets = iter(range(10**9))

    @_live
    @given(case=cases())
    def ask(case: Case) -> None:
        document = plan_session_policy(case.grants, access, 2048).text
        by = "assume-role" if next(sets) % 2 else "web-identity"
        with store.lease(document, by=by) as lease, store.admin() as admin:
            for turn, request in enumerate(case.requests):
                answer = perform(lease, admin, request, turn, make_object=store.kind == "ministack")
                wanted, deviations = expected(store.kind, document, request, store.reading)
                assert agrees(answer, wanted), (request, turn, answer.status, answer.body[:300], wanted, deviations)
                tried.update(deviations or ("none",))
                tried["pairs"] += 1

    ask()

    assert tried["pairs"] >= PAIRS
    assert tried["none"] > PAIRS // 3  # most of what is known of a store is what its rules say
    met = {one.name for one in DEVIATIONS if store.kind in one.stores and tried[one.name]}
    known = {one.name for one in DEVIATIONS if store.kind in one.stores}
    assert met == known, "a deviation that no request came across would not be noticed when it goes away"


def agrees(answer: Answer, wanted: Outcome) -> bool:
    if wanted is Outcome.MALFORMED:
        return answer.status in {400, 501}
    return answer.denied is (wanted is Outcome.DENIED) and (answer.status < 500 or answer.status == 501)
