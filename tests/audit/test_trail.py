"""The trail keeps events in order, and says so when it cannot."""

import json

import pytest

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.dev.ports import Reservation
from vendor.errors import AuditUnavailable
from vendor.secret import Secret


def event(number: int) -> Event:
    return Event(Kind.VEND_DENIED, 0, Actor("a", "i", "s"), Origin("r_1", "test"), facts={"number": number})


async def test_events_are_kept_in_order(valkey: str) -> None:
    database = Database.open(Secret(valkey))
    trail = Trail(database, "{t}:audit")
    for number in range(5):
        await trail.write(event(number))

    kept = await database._client.xrange("{t}:audit")

    assert [json.loads(fields["event"])["number"] for _, fields in kept] == [0, 1, 2, 3, 4]
    await database.close()


async def test_what_was_not_written_is_said() -> None:
    with Reservation(1) as reserved:
        nowhere = f"redis://127.0.0.1:{reserved.ports[0]}/0"
    database = Database.open(Secret(nowhere))
    trail = Trail(database, "{t}:audit")

    with pytest.raises(AuditUnavailable):
        await trail.write(event(1))
    await trail.write_refusal(event(2))  # the refusal stands
    await database.close()
