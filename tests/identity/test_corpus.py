"""Every token of the corpus gets the answer that is written beside it."""

from collections import Counter

import pytest

from tests.identity.corpus.all import CORPUS
from tests.identity.corpus.case import Case
from tests.identity.world.world import World
from vendor.errors import VendError
from vendor.identity.authenticator import Authenticator
from vendor.identity.bearer import bearer


async def answer(door: Authenticator, headers: list[str]) -> tuple[int, str]:
    """Return the status and the code that a request gets; for a good one 200 and the principal's name."""
    try:
        return 200, (await door.authenticate(bearer(headers))).name
    except VendError as refusal:
        return refusal.status, refusal.code


@pytest.mark.parametrize("case", CORPUS, ids=[case.id for case in CORPUS])
async def test_every_token_gets_its_answer(case: Case, world: World, door: Authenticator) -> None:
    assert await answer(door, list(case.headers(world))) == (case.status, case.code)


def test_the_corpus_covers_every_group() -> None:
    assert {case.group for case in CORPUS} == set(range(1, 57))
    assert len(CORPUS) >= 150
    twice = [name for name, count in Counter(case.id for case in CORPUS).items() if count > 1]
    assert not twice


def test_nothing_was_fetched_from_an_address_in_a_token(world: World) -> None:
    assert not [path for path in world.provider.hits if path.startswith("/bait")]
