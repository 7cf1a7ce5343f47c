"""Events: one line of JSON each, stable in form, whatever strings come in."""

import json

from vendor.audit.event import Actor, Decision, Event, Kind, Origin

ACTOR = Actor("alice", "https://idp.example.org", "alice@example.org")


def event(**facts: object) -> Event:
    origin = Origin("r_1", "api", "127.0.0.1", "evil\r\nagent <script>")
    return Event(Kind.VEND_ISSUED, 1_795_244_400.5, ACTOR, origin, facts=facts)


def test_the_members_every_event_has() -> None:
    record = json.loads(event(lease="l_1").text())

    assert record["event_id"].startswith("e_")
    assert record["time"] == "2026-11-21T07:00:00Z"
    assert (record["kind"], record["decision"], record["request_id"]) == ("vend.issued", "allowed", "r_1")
    assert record["actor"]["name"] == "alice"
    assert record["lease"] == "l_1"
    assert "reason" not in record


def test_a_line_stays_a_line() -> None:
    text = event(path="a\nb\u2028c").text()

    assert "\n" not in text
    assert "\r" not in text
    assert text.isascii()
    assert json.loads(text)["client"]["user_agent"] == "evil\r\nagent <script>"


def test_members_are_sorted_and_ids_are_not_repeated() -> None:
    first, second = event(), event()

    assert list(json.loads(first.text())) == sorted(json.loads(first.text()))
    assert first.event_id != second.event_id


def test_a_refusal_says_why() -> None:
    refused = event()
    refused.refuse(Kind.VEND_DENIED, "nothing_granted")
    broken = event()
    broken.refuse(Kind.VEND_DENIED, "store_unavailable", failed=True)

    assert (refused.decision, refused.reason) == (Decision.DENIED, "nothing_granted")
    assert json.loads(broken.text())["decision"] == "failed"
