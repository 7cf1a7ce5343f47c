"""The form of events: one for each kind, published, and held against what is written (see `tests.support.sweeping`)."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.support.house import House
from tests.support.shop import ask, open_shop
from tests.support.sweeping import check, sweep
from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.schema import FORMS, schema, schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "audit-event.v1.schema.json"


def test_every_kind_has_a_form() -> None:
    assert set(FORMS) == set(Kind)


def test_what_is_published_is_up_to_date() -> None:
    """If this fails: python -m vendor.audit.schema > docs/audit-event.v1.schema.json"""
    assert PUBLISHED.read_text() == schema_text()
    jsonschema.Draft202012Validator.check_schema(schema())


def event(kind: Kind = Kind.KEYS_ROTATED, **facts: object) -> str:
    return Event(kind, 0.0, Actor("a", "i", "s"), Origin("r_1", "test", "::1", "x"), facts=facts).text()


def test_a_right_event_passes() -> None:
    check(event(user="alice"))


@pytest.mark.parametrize(
    "text",
    [
        event(user="alice", more=1),
        event(),
        event(user=7),
        event(user="vlt_abcdefghijkl"),
        event(user="eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.abc"),
        event(user="Bearer abcdefghij"),
        event(user="wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"),
        event(user="the secret of the run"),
        event().replace(",", ", "),
        event(Kind.AUDIT_TRIMMED, through="1-1", checkpoint="1", events=2),
    ],
)
def test_a_wrong_event_or_a_secret_is_noticed(text: str) -> None:
    with pytest.raises((AssertionError, jsonschema.ValidationError)):
        check(text, "secret of the run")


def test_consumers_may_meet_members_that_were_added_later() -> None:
    later = {**json.loads(event(user="alice")), "new": 1}

    jsonschema.validate(later, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**later, "user": None}, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**later, "kind": "nothing"}, schema())


async def test_the_sweep_finds_events(house: House, valkey: str) -> None:
    from tests.support.callers import caller

    await open_shop(house).vending.vend(caller("alice"), ask())
    assert sweep(valkey) > 5
    await house.database.append("{vendor}:audit", {"event": event(user="alice", token="x")})
    with pytest.raises(AssertionError):
        sweep(valkey)
    await house.database.delete("{vendor}:audit")
