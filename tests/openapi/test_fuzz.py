"""A few requests made up from the document; `make test-schemathesis` sends thousands."""

from collections.abc import Iterator

import pytest

from tests.openapi.fuzz import SETTINGS, run
from vendor.dev.stack import Stack, running_stack


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack that may be left in any state."""
    with running_stack(settings=SETTINGS) as stack:
        yield stack


def test_nothing_undocumented_and_no_failure(own_stack: Stack) -> None:
    outcome = run(own_stack, "--phases", "examples,fuzzing", "--max-examples", "2", "--seed", "1", seconds=100)

    assert outcome.well, outcome.text
    assert outcome.cases > 100
