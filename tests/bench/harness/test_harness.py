"""The benchmark's own parts: figures, rounds, and a generator that counts what a server really answered."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench import guard, report, scaling
from tests.bench.figures import Case, Goal, Row
from tests.bench.plots import page
from tests.bench.rounds import alternate
from tests.bench.simulation import Storm
from vendor.operate.bench.load import NUMBER, Generator, Load, Outcome, Refused, json_request, request


class _Server(ThreadingHTTPServer):
    seen: list[bytes]
    status = 200


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.seen.append(self.rfile.read(int(self.headers["content-length"])))
        body = b'{"fine": true}'
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Answers)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    with Generator() as generator:
        yield generator


def _load(server: _Server, **more: float) -> Load:
    url = f"http://127.0.0.1:{server.server_port}"
    asked = json_request(url, "/", {"n": NUMBER.decode()}, "t")
    return Load(url, [asked], connections=2, seconds=0.3, keep=True, **more)  # type: ignore[arg-type]  # of numbers


def test_every_answer_is_counted_and_every_request_differs(server: _Server, generator: Generator) -> None:
    outcome = generator(_load(server))

    assert outcome.statuses == {200: len(server.seen)}
    assert len(set(server.seen)) == len(server.seen) == len(outcome.took) > 2
    assert all(len(body) == len(server.seen[0]) for body in server.seen)
    assert set(outcome.kept) == {b'{"fine": true}'}


def test_it_stops_after_the_most_and_keeps_to_its_rate(server: _Server, generator: Generator) -> None:
    assert generator(_load(server, most=5)).good == 5
    assert 1 < generator(_load(server, rate=100)).good <= 30


def test_a_refusal_is_no_result(server: _Server, generator: Generator) -> None:
    server.status = 503

    with pytest.raises(Refused, match="503"):
        generator(_load(server))


def test_a_request_is_well_formed() -> None:
    sent = request("http://h:1", "POST", "/x", body=b"ab", media="text/plain", x_a="b")

    assert sent == b"POST /x HTTP/1.1\r\nhost: h:1\r\nx-a: b\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nab"


def test_percentiles_are_those_of_the_answers() -> None:
    outcome = Outcome(2.0, [float(number) for number in range(1, 101)], {200: 100})

    assert outcome.figures() == {"per_second": 50.0, "p50_ms": 50.0, "p99_ms": 99.0}


def test_sides_take_turns_at_being_first() -> None:
    order: list[str] = []

    def side(name: str, value: float) -> dict[str, float]:
        order.append(name)
        return {"x": value}

    found = alternate(2, {"a": lambda: side("a", 1.0), "b": lambda: side("b", 4.0)})

    assert order == ["a", "b", "b", "a"]
    (row,) = Case("s", "c").rows(found, measured="b", baseline="a", goals={"x": [Goal("ratio", at_most=3.0)]})
    assert (row.ratio, row.met, row.value("added")) == (4.0, False, 3.0)


def test_a_ratio_is_the_median_of_the_rounds_not_of_the_medians() -> None:
    row = Row("s", "c", "x", (10.0, 1.0, 9.0), (10.0, 2.0, 3.0))

    assert row.ratio == 1.0


def test_the_page_and_the_table_show_every_row() -> None:
    rows = [
        Row("s", "one<", "p50_ms", (2.0, 3.0), (1.0, 1.0), (Goal("added", at_most=1.0),)),
        Row("s", "two", "per_second", (5.0,)),
    ]
    content = report.as_json(rows, quick=True)

    shown = page(content, rows)
    assert shown.count("<svg") == 2
    assert "one&lt;" in shown
    assert "one<" not in shown
    assert content["rows"][0]["goals"] == [{"goal": "added ≤ 1", "value": 1.5, "met": False}]
    assert "MISSED" in report.table(rows)


def _rows(**ratios: float) -> dict[str, object]:
    return {"quick": True, "rows": [{"name": name, "ratio": {"median": ratio}} for name, ratio in ratios.items()]}


def test_the_guard_tells_worse_from_better_by_what_is_measured() -> None:
    before = _rows(per_second=1.0, p50_ms=2.0, same_ms=1.0, gone=1.0)
    after = _rows(per_second=0.8, p50_ms=3.0, same_ms=1.1, new=9.0)

    found = guard.compared(before, after)

    assert [line.partition(":")[0] for line in found] == ["per_second", "p50_ms"]
    assert guard.compared(before, _rows(per_second=3.0, p50_ms=0.1)) == []


def test_a_storm_asks_the_store_once_for_each_lease_that_needs_keys() -> None:
    alone = Storm(clients=50, per_lease=1, lifetimes=10, seed=1).run()
    shared = Storm(clients=50, per_lease=10, lifetimes=10, seed=1).run()

    assert (alone.leases, alone.calls_per_due) == (50, 1.0)
    assert shared.leases == 5
    assert shared.calls_per_1000 == pytest.approx(100, rel=0.05)


def test_more_leases_need_more_of_everything_and_nobody_waits() -> None:
    found = list(scaling.needs(scaling.Costs(rate=200, redis_ms=0.7, sts_ms=2, bytes=10_000), peak=3))

    assert [need.workers for need in found] == sorted(need.workers for need in found)
    assert all(need.wait_ms <= 100 for need in found)
    assert [need.fits_one_redis for need in found] == [True, True, True, False]
    assert scaling.waits(arrivals=199.0, service=200.0, workers=1, seed=1) > scaling.PATIENCE
