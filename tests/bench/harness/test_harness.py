"""The benchmark's own parts: figures, rounds, and a generator that counts what a server really answered."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench import guard, mms_state, report, scaling, soak, stalls
from tests.bench.figures import Case, Goal, Row
from tests.bench.middle import middle
from tests.bench.plots import page
from tests.bench.rounds import MOST, Comparison, Steady, alternate, in_turn
from tests.bench.simulation import Storm
from vendor.governance.statefile import End, read_line
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Load, Outcome, Refused, json_request, request


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


def test_there_are_more_rounds_until_a_ratio_holds_still() -> None:
    def rounds(values: Iterable[float]) -> int:
        vendor = iter(values)
        sides = {"vendor": lambda: {"x": next(vendor)}, "sts": lambda: {"x": 2.0}}
        return len(alternate(4, sides, [Steady("vendor", "sts", "x")])["vendor"])

    assert rounds([1.0, 1.01, 1.0, 0.99]) == 4
    assert 4 < rounds([1.0, 1.3, 1.02, 0.8, *[1.0, 1.01] * 9]) < MOST
    assert rounds([1.0, 2.0] * MOST) == MOST


def test_there_are_no_further_rounds_when_patience_is_over() -> None:
    vendor = itertools.count(1.0)
    sides = {"vendor": lambda: {"x": next(vendor)}, "sts": lambda: {"x": 2.0}}

    assert len(alternate(4, sides, [Steady("vendor", "sts", "x")], patience=0.0)["vendor"]) == 4


def test_comparisons_take_turns_until_all_hold_still() -> None:
    order: list[str] = []

    def side(name: str, value: float) -> Callable[[], Mapping[str, float]]:
        def measured() -> Mapping[str, float]:
            order.append(name)
            return {"x": value}

        return measured

    restless = itertools.cycle([1.0, 3.0])
    still = Comparison({"a": side("a", 1.0), "b": side("b", 2.0)}, [Steady("b", "a", "x")], each=2)
    other = Comparison({"c": side("c", 1.0), "d": lambda: {"x": next(restless)}}, [Steady("d", "c", "x")])

    turns = list(in_turn([still, other], 3, patience=60.0))

    assert order[:10] == ["a", "b", "b", "a", "c", "a", "b", "b", "a", "c"]
    assert turns[2] == (3, 1)
    assert turns[-1] == (MOST, 0)
    assert (len(still.found["a"]), len(other.found["c"])) == (6, MOST)


def test_a_comparison_is_visited_as_often_as_it_has_to_be_however_short_time_is() -> None:
    restless = itertools.cycle([1.0, 1.0, 3.0, 3.0])
    inside: list[str] = []

    @contextmanager
    def apart() -> Iterator[None]:
        inside.append("in")
        yield
        inside.append("out")

    sides = {"c": lambda: {"x": 1.0}, "d": lambda: {"x": next(restless)}}
    other = Comparison(sides, [Steady("d", "c", "x")], 2, apart, lambda: inside.append("ready"))

    assert list(in_turn([other], 2, patience=0.0)) == [(1, 1), (2, 1)]
    assert len(other.found["d"]) == 4
    assert inside == ["ready", "in", "out"] * 2


def test_what_has_no_ratio_is_visited_more_seldom() -> None:
    seldom = Comparison({"a": lambda: {"x": 1.0}}, every=3)
    often = Comparison({"b": lambda: {"x": 1.0}})

    assert list(in_turn([seldom, often], 7, patience=60.0))[-1] == (7, 0)
    assert (len(seldom.found["a"]), len(often.found["b"])) == (3, 7)


def test_rounds_of_one_visit_say_less_than_as_many_visits() -> None:
    steady = Steady("b", "a", "x")
    found = {"a": [{"x": 1.0}] * 40, "b": [{"x": value} for value in [0.9] * 10 + [1.1] * 10] * 2}

    assert steady.reached(found, each=1)
    assert not steady.reached(found, each=10)


def test_a_ratio_is_that_of_the_rounds_not_of_the_medians() -> None:
    row = Row("s", "c", "x", (10.0, 1.0, 9.0), (10.0, 2.0, 3.0))

    assert row.ratio == pytest.approx(1.5**0.25)


def test_the_middle_is_the_same_from_either_side_and_forgets_what_is_wild() -> None:
    ratios = [0.5, 0.55, 0.6, 0.52, 0.58]

    assert middle([1 / ratio for ratio in ratios]) == pytest.approx(1 / middle(ratios))
    assert middle([*ratios, 40.0]) < 0.6
    assert middle([0.7]) == pytest.approx(0.7)


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
    return {"quick": True, "rows": [{"name": name, "ratio": {"middle": ratio}} for name, ratio in ratios.items()]}


def test_the_guard_tells_worse_from_better_by_what_is_measured() -> None:
    before = _rows(per_second=1.0, p50_ms=2.0, same_ms=1.0, gone=1.0)
    after = _rows(per_second=0.8, p50_ms=3.0, same_ms=1.1, new=9.0)

    found = guard.compared(before, after)

    assert [line.partition(":")[0] for line in found] == ["per_second", "p50_ms"]
    assert guard.compared(before, _rows(per_second=3.0, p50_ms=0.1)) == []


def test_the_guard_says_so_when_there_is_nothing_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"quick": True, "schema": 1, "rows": [{"name": "x", "ratio": {"median": 1.0}}]}

    guard.report(before, {**_rows(x=1.0), "schema": 2})

    assert capsys.readouterr().out.startswith("nothing to compare")


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


def test_a_baseline_from_elsewhere_is_shown_and_not_compared() -> None:
    row = Row("mms", "share", "p50_ms", (2.0, 4.0), (10.0, 10.0), (Goal("measured", at_most=4.0),), fixed=True)
    content = report.as_json([row], quick=True)
    slower = report.as_json([replace(row, measured=(8.0, 8.0))], quick=True)

    assert row.ratio == pytest.approx(0.08**0.5)
    assert guard.compared(content, slower) == []
    slower["rows"][0]["fixed"] = False
    assert len(guard.compared(content, slower)) == 1


def test_the_state_that_mms_is_compared_on_is_a_state_file() -> None:
    lines = [read_line(line.removesuffix(b"\n")) for line in mms_state.state(120)]

    end = lines[-1]
    assert isinstance(end, End)
    assert end.counts == {"users": 1 + 50 + 40 + 120, "tenants": 1 + 10 + 3, "members": 210 + 49 + 120,
                          "stewards": 0, "shares": 8 + 120}  # fmt: skip


def test_a_soak_is_judged_by_its_end_and_by_its_growth_after_the_first_tenth() -> None:
    first = soak.Sample(0.0, 0, 0, 0.0, 0.0, 0.0, 60.0, 10.0)
    grown = [80.0, 100.0, 100.0, 101.0, 102.0, 103.0, 103.0, 103.0, 103.0, 104.0]
    later = [
        replace(first, minute=2.0 * (number + 1), leases=10_000 * (number + 1), worker_mib=mib, redis_mib=1_010.0)
        for number, mib in enumerate(grown)
    ]
    found = soak.verdict([first, *later], 100_000)

    assert (found.small, found.flat, found.whole) == (True, True, True)
    assert found.growth == pytest.approx(0.04)
    assert found.redis_kib_a_lease == pytest.approx(10.24)
    worse = soak.verdict([first, *later[:-1], replace(later[-1], worker_mib=151.0, refusal="503")], 200_000)
    assert (worse.small, worse.flat) == (False, False)
    text = "\n".join(worse.lines())
    assert text.count("MISSED") == 2
    assert "did not come to more" in text
    assert "503" in text
    assert len(soak.row(first)) == len(soak.head())


def test_stalls_are_put_together_by_where_they_were_and_stolen_time_apart(tmp_path: Path) -> None:
    line = '{"event": "slow callback", "callback": "c", "seen": "%s", "ms": %d, "cpu_ms": %d, "gc_ms": 1}\n'
    log = tmp_path / "gateway.log"
    log.write_text(
        "slow callback in no JSON\n" + line % ("a; b", 30, 29) + line % ("a; c", 50, 50) + line % ("a", 90, 2)
    )

    ours, stolen = stalls.places(stalls.lines_of([log]))

    assert (ours.seen, ours.took, stolen.seen) == ("a", [30, 50], "(stolen)")
    assert "2 times, at most   50.0 ms" in stalls.table([ours, stolen], 20)
    assert stalls.table([], 20).endswith("never")
