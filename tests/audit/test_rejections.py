"""Rejected requests: all counted, few recorded."""

import json

from tests.audit.world import World
from tests.support.sweeping import check
from vendor.audit.event import Origin
from vendor.audit.rejections import Rejections


async def test_however_many_there_is_one_event_for_each_reason(world: World) -> None:
    rejections = Rejections(world.trail, lambda: 1_763_704_800.0)
    for number in range(10_000):
        rejections.note("invalid_token", Origin(f"r_{number}", "identity", "192.0.2.1", "curl"))
        rejections.note("missing_token", Origin(f"q_{number}", "identity", "192.0.2.2"))
        rejections.note("policy_too_large", Origin("p", "identity"))
    await rejections.flush()
    await rejections.flush()

    events = [json.loads(entry.text) for entry in await world.log.between("0-0")]
    assert [(one["reason"], one["count"], one["request_id"]) for one in events] == [
        ("invalid_token", 10_000, "r_0"),
        ("missing_token", 10_000, "q_0"),
    ]
    assert events[0]["client"]["address"] == "192.0.2.1"
    for entry in await world.log.between("0-0"):
        check(entry.text)


async def test_what_is_left_is_recorded_at_the_end(world: World) -> None:
    rejections = Rejections(world.trail, lambda: 1_763_704_800.0)
    async with rejections.running():
        rejections.note("expired_token", Origin("r_1", "identity"))

    (entry,) = await world.log.between("0-0")
    assert '"count":1' in entry.text
