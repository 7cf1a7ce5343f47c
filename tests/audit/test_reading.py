"""Pages of the log: the index and the stream give the same events in the same order, whatever the index has reached."""

import json
import random
from collections.abc import AsyncIterator

import pytest

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.index import Indexer
from vendor.audit.log import AuditLog
from vendor.audit.reader import Filter, Reader
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.secret import Secret

KINDS = [Kind.VEND_ISSUED, Kind.VEND_DENIED, Kind.SHARE_CREATED]
USERS = ["alice", "bob", "carol"]


def event(number: int) -> Event:
    chance = random.Random(number)
    kind, actor, other = chance.choice(KINDS), chance.choice(USERS), chance.choice(USERS)
    facts: dict[str, object] = {"number": number, "lease": f"l_{number % 7}", "access_key_id": f"AK{number}"}
    if kind is Kind.SHARE_CREATED:
        facts |= {"owner": "tenant:kbase", "shares": {"s_1": f"user:{other}"}}
    else:
        facts |= {"granted": [{"path": "s3://b/x/", "access": "read", "source": f"tenant:t{number % 3}"}]}
    return Event(kind, number, Actor(actor, "i", "s"), Origin("r_1", "test"), facts=facts)


@pytest.fixture
async def log(valkey: str) -> AsyncIterator[AuditLog]:
    database = Database.open(Secret(valkey))
    yield AuditLog(database, "{t}:audit")
    await database.close()


async def written(log: AuditLog, count: int, start: int = 0) -> None:
    trail = Trail(log.database, log.stream)
    for number in range(start, start + count):
        await trail.write(event(number))


async def numbers(log: AuditLog, wanted: Filter, limit: int) -> list[int]:
    """All pages of what is wanted."""
    found, after = [], "0-0"
    while True:
        page = await Reader(log).page(wanted, after, limit)
        assert len(page.found) <= limit
        found += [one.event["number"] for one in page.found]
        after = page.next
        if not page.more:
            return found


FILTERS = [
    Filter(),
    Filter(kind="vend.issued"),
    Filter(user="alice"),
    Filter(user="bob", kind="share.created"),
    Filter(about="carol"),
    Filter(about="carol", kind="vend.denied"),
    Filter(about="carol", user="carol"),
    Filter(lease="l_3"),
    Filter(lease="l_3", about="bob"),
    Filter(lease="l_3", kind="vend.issued", user="alice"),
    Filter(access_key="AK17"),
    Filter(access_key="AK1"),
    Filter(tenant="kbase"),
    Filter(tenant="t1", user="alice"),
    Filter(tenant="t1", user="alice", about="bob"),
    Filter(tenant="t2", kind="vend.denied"),
    Filter(tenant="kbase", kind="share.created", user="carol"),
    Filter(tenant="t1", kind="share.created"),
    Filter(lease="l_3", tenant="t0"),
    Filter(kind="state.exported"),
    Filter(user="nobody"),
]


@pytest.mark.parametrize("indexed", [0, 120, 250, 300])
async def test_a_filter_finds_exactly_what_fits_it(log: AuditLog, indexed: int) -> None:
    await written(log, indexed)
    await Indexer(log).catch_up()
    await written(log, 300 - indexed, indexed)
    everything = [json.loads(event(number).text()) for number in range(300)]

    for wanted in FILTERS:
        expected = [one["number"] for one in everything if wanted.keeps(one)]
        for limit in (1, 7, 500):
            if limit > 1 or len(expected) < 60:
                assert await numbers(log, wanted, limit) == expected, (wanted, limit)


@pytest.mark.parametrize("indexed", [0, 1300])
async def test_a_page_that_takes_long_goes_out_as_it_is_and_the_next_goes_on(
    log: AuditLog, indexed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(log, indexed)
    await Indexer(log).catch_up()
    await written(log, 1300 - indexed, indexed)
    monkeypatch.setattr("vendor.audit.reader.MOST_SECONDS", -1.0)
    wanted = Filter(lease="l_3", user="alice", kind="share.created")

    page = await Reader(log).page(wanted, "0-0", 500)
    assert page.more == (indexed == 0)
    everything = [json.loads(event(number).text()) for number in range(1300)]
    assert await numbers(log, wanted, 500) == [one["number"] for one in everything if wanted.keeps(one)]


async def test_every_event_is_indexed_once_whoever_does_it(log: AuditLog) -> None:
    await written(log, 600)
    mine, other = Indexer(log), Indexer(log)
    import asyncio

    await asyncio.gather(mine.catch_up(), other.catch_up(), mine.catch_up())

    assert len(await numbers(log, Filter(user="alice"), 500)) == len(
        [1 for number in range(600) if Filter(user="alice").keeps(json.loads(event(number).text()))]
    )
    used = await log.database.get_hashes([log.key(f"used:tenant:t{at}:{_today(await log.last())}") for at in range(3)])
    issued = [number for number in range(600) if random.Random(number).choice(KINDS) is not Kind.SHARE_CREATED]
    assert sum(int(count) for counts in used for count in counts.values()) == len(issued)


def _today(cursor: str) -> str:
    from vendor.audit.index import day_of

    return day_of(cursor)


async def test_time_narrows_by_when_the_log_took_it(log: AuditLog) -> None:
    await written(log, 5)
    entries = await log.between("0-0")
    moment = int(entries[2].cursor.partition("-")[0]) / 1000

    before = await numbers(log, Filter(until=moment), 10)
    since = await numbers(log, Filter(since=moment), 10)

    assert before + since == [0, 1, 2, 3, 4]
    assert await numbers(log, Filter(until=0.0), 10) == []
    assert await numbers(log, Filter(since=moment + 3600, user="alice"), 10) == []


async def test_a_page_at_the_end_says_where_to_go_on(log: AuditLog) -> None:
    await written(log, 3)
    await Indexer(log).catch_up()
    page = await Reader(log).page(Filter(user="nobody"), "0-0", 10)

    assert (page.found, page.more) == ([], False)
    assert page.next == await log.last()
    assert (await Reader(log).page(Filter(), page.next, 10)).next == page.next


async def test_what_is_no_event_in_the_stream_does_not_stop_anybody(log: AuditLog) -> None:
    await written(log, 2)
    bad = '{"decision":"allowed","actor":{"name":"x"},"granted":[{},7,{"source":"home"}]}'
    for text in (
        bad,
        "no json",
        "[]",
        '{"kind": 7, "actor": 3, "granted": "x", "shares": [1], "decision": "allowed", "user": {"a": 1}}',
        '"\\ud800"',
    ):
        await log.database.append(log.stream, {"event": text})
    await log.database.append(log.stream, {"event": '{"kind":"\\ud800","actor":{"name":"\\udfff"},"lease":"\\ud834"}'})
    await log.database.append(log.stream, {"other": "x"})
    await written(log, 2, 2)

    await Indexer(log).catch_up()

    assert await log.indexed_to() == await log.last()
    names = {json.loads(event(number).text())["actor"]["name"] for number in range(4)}
    for name in names:
        assert await numbers(log, Filter(user=name), 10)
