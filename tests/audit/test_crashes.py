"""Gateways and Redis are killed at random while people vend: whatever anybody was told is in the log, and in the sinks.

A handful of rounds here; `make test-slow` has two hundred.
"""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.audit.drill import Drill, drilling
from tests.support.sweeping import swept
from vendor.sealed.keys import read_keys
from vendor.sealed.records import CHECKPOINT, EVENT
from vendor.sealed.verify import verify

FEW = ["0", "redis", "1", "redis"]


def lines_of(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def texts_of(data: bytes) -> Counter[str]:
    """The events in what a sink received, and how often each came."""
    return Counter(found[3].decode() for line in lines_of(data) if (found := EVENT.fullmatch(line)))


def require_all_recorded(drill: Drill, texts: list[str]) -> None:
    """Everything that a client was told has its event."""
    events = [json.loads(text) for text in texts]
    issued = {
        event["access_key_id"]: event["lease"] for event in events if event["kind"] in {"vend.issued", "vend.renewed"}
    }
    missing = {key: lease for key, lease in drill.told.keys.items() if issued.get(key) != lease}
    assert not missing, f"{len(missing)} of {len(drill.told.keys)} keys are not in the log"
    changed = {event["request_id"] for event in events if event["kind"].startswith("tenant.")}
    unknown = {request: what for request, what in drill.told.changes.items() if request not in changed}
    assert not unknown, f"{unknown} of {len(drill.told.changes)} changes are not in the log"
    assert len({event["event_id"] for event in events}) == len(events)


def require_all_delivered(name: str, data: bytes, texts: list[str], drill: Drill) -> int:
    """A sink has every event, sealed, and what came twice is the same; return how many came twice."""
    found = texts_of(data)
    assert set(found) == set(texts), f"{name} lacks {len(set(texts) - set(found))} of {len(texts)}"
    verdict = verify(lines_of(data), read_keys(drill.keys), whole=False)
    assert (verdict.events, verdict.unsealed) == (len(texts), 0)
    identities = {json.loads(text)["event_id"] for text in found}
    assert len(identities) == len(found)  # whatever comes twice says so by its id
    sealed = Counter(line for line in lines_of(data) if CHECKPOINT.fullmatch(line))
    assert len(sealed) == verdict.checkpoints
    return found.total() - len(texts)


def require_all(drill: Drill, *, bucket: bool) -> None:
    exported = drill.settle(["file", "webhook", *(["s3"] if bucket else [])])
    texts = drill.recorded()
    require_all_recorded(drill, texts)
    verdict = verify(lines_of(exported), read_keys(drill.keys))
    assert verdict.events == len(texts)
    twice = {name: require_all_delivered(name, data, texts, drill) for name, data in drill.received().items()}
    assert twice["file"] == 0  # what was half written is cut away; a webhook that says no gets it again
    assert twice["webhook"] > 0
    if bucket:
        require_all_delivered("s3", drill.objects(), texts, drill)
    assert not drill.told.odd, drill.told.odd
    assert swept(drill.stack) == len(texts)


def test_a_few_crashes_lose_nothing(tmp_path: Path) -> None:
    with drilling(tmp_path / "log") as drill:
        chance = random.Random(9)
        with drill.load():
            for victim in FEW:
                drill.round(chance, victim)
        assert len(drill.told.keys) > 20
        require_all(drill, bucket=False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_crashes_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with drilling(tmp_path / "log", bucket=True) as drill:
        chance = random.Random(11)
        with drill.load():
            for _ in range(200):
                drill.round(chance, chance.choice(["0", "1", "redis"]))
        with capsys.disabled():
            print(  # noqa: T201  the figures of the drill
                f"\n{dict(drill.kills)} kills, {len(drill.leaders)} sealers one after the other, "
                f"{len(drill.told.keys)} keys, {len(drill.told.changes)} changes, {drill.told.unavailable} refusals"
            )
        assert len(drill.leaders) >= 10
        assert len(drill.told.keys) > 1000
        assert len(drill.told.changes) > 50
        require_all(drill, bucket=True)
