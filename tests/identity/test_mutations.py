"""The corpus notices every check that is turned off."""

import time
from pathlib import Path

import pytest

from tests.identity.corpus.all import CORPUS
from tests.identity.mutations import MUTATIONS
from tests.identity.test_corpus import answer
from tests.identity.world.world import OWN_ISSUER, World
from vendor.identity.authenticator import open_authenticator

# These wait for time-outs, and no mutation is about those.
SLOW = {"50-silent", "50-dripping", "50-huge", "56-kbase-slow"}


@pytest.mark.parametrize("name", MUTATIONS)
async def test_the_corpus_notices(name: str, world: World, world_trust: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    noticed = []
    async with open_authenticator(trust_file=world_trust, own_issuer_url=OWN_ISSUER, clock=time.time) as door:
        for case in CORPUS:
            if case.id in SLOW:
                continue
            try:
                seen: object = await answer(door, list(case.headers(world)))
            except Exception as failure:  # noqa: BLE001  an unhandled error is what the caller would see as a 500
                seen = failure
            if seen != (case.status, case.code):
                noticed.append(case.id)
    assert noticed, f"nothing in the corpus depends on {name}"
