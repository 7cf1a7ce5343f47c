"""The audit log as a client reads it: pages, a tail that goes on where it broke, and answers that are none."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.client.stub import Reply, Seen, Stub, stub_server
from vendor.client import BadAnswer, Client, GatewayError, Unavailable, audit, streams
from vendor.client.tokens import fixed
from vendor.secret import RawToken

REFUSED = {"error": {"code": "role_required", "message": "No."}}
DATE = {"date": "Sat, 21 Nov 2026 06:00:00 GMT"}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        yield made


@pytest.fixture
def client(stub: Stub) -> Iterator[Client]:
    with Client(stub.url, fixed(RawToken("t"))) as made:
        yield made


def page(numbers: range, *, more: bool = False) -> Reply:
    lines = "".join(json.dumps({"cursor": f"{number}-0", "kind": "k"}) + "\n" for number in numbers)
    headers = {"x-next": f"{numbers.stop - 1}-0", "x-more": str(more).lower()}
    return Reply(200, lines.encode(), audit.NDJSON, headers)


def sent(*numbers: int) -> Reply:
    texts = [f'id: {number}-0\nevent: k\ndata: {{"cursor":"{number}-0"}}\n\n' for number in numbers]
    return Reply(200, ("retry: 2000\n\n: nothing new\n\n" + "".join(texts)).encode(), audit.EVENT_STREAM, DATE)


def cursors(events: Iterator[Mapping[str, Any]], most: int = 99) -> list[str]:
    return [event["cursor"] for event in itertools.islice(events, most)]


def queries(stub: Stub) -> list[str]:
    return [seen.path.partition("?")[2] for seen in stub.seen]


def test_all_pages_are_read(client: Client, stub: Stub) -> None:
    pages = {"after=0": page(range(1, 4), more=True), "after=3-0": page(range(4, 6))}
    stub.answer = lambda seen: pages[seen.path.partition("?")[2].partition("&")[0]]
    assert cursors(audit.events(client, {})) == [f"{n}-0" for n in range(1, 6)]
    assert queries(stub) == ["after=0&limit=500", "after=3-0&limit=500"]


def test_a_limit_is_kept(client: Client, stub: Stub) -> None:
    stub.answer = lambda _seen: page(range(1, 4), more=True)
    assert cursors(audit.events(client, {"kind": "k"}, 3)) == ["1-0", "2-0", "3-0"]
    assert queries(stub) == ["kind=k&after=0&limit=3"]


def test_one_event(client: Client, stub: Stub) -> None:
    stub.answer = lambda _seen: page(range(5, 6))
    assert audit.one(client, "5-0") == {"cursor": "5-0", "kind": "k"}
    assert audit.one(client, "4-7") is None
    assert audit.one(client, "x") is None
    assert queries(stub) == [f"after=4-{2**64 - 1}&limit=1", "after=4-6&limit=1"]


def test_a_tail_goes_on_where_it_broke(client: Client, stub: Stub) -> None:
    answers = iter([sent(1, 2), Reply(503, b"", "text/plain"), Reply(503, b"", "text/plain"), sent(), sent(3)])
    stub.answer = lambda _seen: next(answers)
    pauses: list[float] = []
    warned: list[str] = []

    found = audit.follow(client, {"user": "ada"}, warn=warned.append, sleep=pauses.append)

    assert cursors(found, 3) == ["1-0", "2-0", "3-0"]
    assert queries(stub) == ["user=ada", *["user=ada&after=2-0"] * 4]
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    assert len(warned) == 1


def test_a_tail_that_broke_before_it_told_anything(client: Client, stub: Stub) -> None:
    answers = iter([sent(), sent(9)])
    stub.answer = lambda _seen: next(answers)
    found = audit.follow(client, {}, warn=print, sleep=lambda _: None)
    assert cursors(found, 1) == ["9-0"]
    assert queries(stub) == ["", "after=1795240800000-0"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(Reply(403, REFUSED), GatewayError, id="refused"),
        pytest.param(Reply(200, b"<html>", "text/html"), BadAnswer, id="captive-portal"),
        pytest.param(Reply(200, b"[1]\n", audit.NDJSON), BadAnswer, id="no-object"),
        pytest.param(Reply(200, b"{", audit.NDJSON), BadAnswer, id="broken"),
        pytest.param(Reply(200, {"a": 1}), BadAnswer, id="json"),
        pytest.param(Reply(302, b"", "text/plain", {"location": "http://x"}), BadAnswer, id="redirect"),
        pytest.param(Reply(503, b"", "text/plain"), Unavailable, id="away"),
        pytest.param(Reply(403, b"x" * 100_000, "text/plain"), BadAnswer, id="long-refusal"),
    ],
)
def test_what_answers_badly(client: Client, stub: Stub, reply: Reply, kind: type[Exception]) -> None:
    def answer(_seen: Seen) -> Reply:
        return reply

    stub.answer = answer
    with pytest.raises(kind):
        list(audit.events(client, {}))


def test_a_line_without_an_end(client: Client, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST_LINE", 1000)
    stub.says(200, b"x" * 200_000, audit.NDJSON)
    with pytest.raises(BadAnswer, match="too long"):
        list(audit.events(client, {}))
