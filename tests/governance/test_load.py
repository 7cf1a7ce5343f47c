"""Many clients at two gateways on the same tenant and the same shares, and a Valkey that is killed under them.

The load lasts some seconds; `VENDOR_TEST_SECONDS=30` makes it longer.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.governance.replay import Replay, canonical
from tests.support.council import Council, running_council

SECONDS = float(os.environ.get("VENDOR_TEST_SECONDS", "4"))
CLIENTS = 32
STEPS_AT_LEAST = 3  # of each client, however slow the machine is
MEMBERS = [f"user{number}" for number in range(6)]
HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
PATHS = (f"{HOME}a/", f"{HOME}b/")


@pytest.fixture(scope="module")
def pair() -> Iterator[Council]:
    with running_council(gateways=2, VENDOR_LIMIT_SHARE_BURST="1000000") as council:  # so many as they can make
        yield council


@pytest.fixture
def two(pair: Council) -> Council:
    """Two gateways, and a tenant with alice as its steward."""
    pair.empty()
    admin = pair.person("carol", admin=True)
    for name in ("alice", *MEMBERS):
        admin.ok("PUT", f"/v1/users/{name}", {})
    admin.ok("PUT", "/v1/tenants/kbase", {"description": "0"})
    admin.ok("PUT", "/v1/tenants/kbase/members/alice", {"access": "read_write"})
    admin.ok("PUT", "/v1/tenants/kbase/stewards/alice", {})
    return pair


@asynccontextmanager
async def client(council: Council, number: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Half of the clients are alice, half carol, spread over both gateways."""
    token = council.token("carol", admin=True) if number % 4 < 2 else council.token("alice")
    url = council.gateways[number % 2].url
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as web:
        yield web


@dataclass
class Tally:
    """What came of the requests."""

    statuses: Counter[str] = field(default_factory=Counter)
    counted: int = 0

    def of(self, answer: httpx2.Response) -> httpx2.Response:
        self.statuses[f"{answer.request.method} {answer.status_code}"] += 1
        assert answer.status_code < 500, answer.text
        if answer.status_code == 409:
            raise AssertionError(answer.text)
        return answer


async def _members(web: httpx2.AsyncClient, tally: Tally, dice: random.Random) -> None:
    url = f"/v1/tenants/kbase/members/{dice.choice(MEMBERS)}"
    if dice.random() < 0.4:
        assert tally.of(await web.delete(url)).status_code == 204
        return
    access = dice.choice(("read_only", "read_write"))
    assert tally.of(await web.put(url, json={"access": access})).status_code == 200


async def _shares(web: httpx2.AsyncClient, tally: Tally, dice: random.Random) -> None:
    targets = {"users": dice.sample(MEMBERS, 2), "tenants": ["kbase"], "everyone": dice.random() < 0.5}
    body = {"path": dice.choice(PATHS), "with": targets, "access": dice.choice(("read", "write"))}
    made = tally.of(await web.post("/v1/shares", json=body))
    assert made.status_code == 201
    gone = tally.of(await web.delete(f"/v1/shares/{dice.choice(made.json()['shares'])['id']}"))
    assert gone.status_code in {204, 404}  # somebody else was faster


async def _count(web: httpx2.AsyncClient, tally: Tally, _dice: random.Random) -> None:
    """Add one to a number in the description: what a lost update would lose."""
    found = tally.of(await web.get("/v1/tenants/kbase"))
    body, headers = {"description": str(int(found.json()["description"]) + 1)}, {"if-match": found.headers["etag"]}
    answer = tally.of(await web.patch("/v1/tenants/kbase", json=body, headers=headers))
    assert answer.status_code in {200, 412}
    if answer.status_code == 200:
        tally.counted += 1
        assert _revision(answer) > _revision(found)


def _revision(answer: httpx2.Response) -> int:
    return int(answer.headers["etag"].strip('"'))


async def _one_client(council: Council, tally: Tally, number: int, until: float) -> None:
    dice, seen, steps = random.Random(number), 0, 0
    async with client(council, number) as web:
        while time.monotonic() < until or steps < STEPS_AT_LEAST:
            steps += 1
            await dice.choices((_members, _shares, _count), (5, 2, 3))[0](web, tally, dice)
            revision = _revision(tally.of(await web.get("/v1/tenants/kbase")))
            assert revision >= seen
            seen = revision
        before = tally.counted
        for _ in range(CLIENTS):  # by now others only count, too, and of those that try at the same time one succeeds
            if tally.counted > before:
                break
            await _count(web, tally, dice)


def state(council: Council) -> tuple[int, list[dict[str, Any]]]:
    answer = council.person("carol", admin=True).call("GET", "/v1/state")
    assert answer.status_code == 200, answer.text
    header, *lines, _ = [json.loads(line) for line in answer.text.splitlines()]
    return header["revision"], lines


def check(council: Council) -> None:
    """The state is what its events say; every revision is one step that left events behind, in order."""
    revision, lines = state(council)
    events = council.events()
    assert canonical(Replay().take(events).lines()) == canonical(lines)
    revisions = [int(event["_revision"]) for event in events if event["_revision"]]
    assert revisions == sorted(revisions)
    assert set(revisions) == set(range(1, revision + 1))
    people = [(line["tenant"], line["user"]) for line in lines if line["type"] == "member"]
    assert len(people) == len(set(people))
    carol = council.person("carol", admin=True)
    for name in MEMBERS:  # the other side of the memberships
        member = any(user == name for _, user in people)
        assert ("kbase" in carol.ok("GET", f"/v1/users/{name}")["tenants"]) is member


@pytest.mark.timeout(60 + 2 * SECONDS)
async def test_two_gateways_lose_no_update(two: Council) -> None:
    tally, until = Tally(), time.monotonic() + SECONDS

    await asyncio.gather(*(_one_client(two, tally, number, until) for number in range(CLIENTS)))

    await asyncio.to_thread(check, two)
    _, lines = state(two)
    (kbase,) = [line for line in lines if line["type"] == "tenant"]
    assert int(kbase["description"]) == tally.counted > 0
    assert tally.statuses["PATCH 412"] > 0  # there were races, and they were noticed
    assert tally.statuses["PUT 200"] > CLIENTS


async def test_all_clients_on_one_member_get_through(two: Council) -> None:
    """The worst case for changes that are decided on what was read: all of them about the same field."""

    async def one(number: int) -> None:
        async with client(two, number) as web:
            for turn in range(5):
                body = {"access": ("read_only", "read_write")[(number + turn) % 2]}
                answer = await web.put("/v1/tenants/kbase/members/user0", json=body)
                assert answer.status_code == 200, answer.text

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))

    await asyncio.to_thread(check, two)


async def test_a_killed_valkey_forgets_nothing_acknowledged(two: Council) -> None:
    acknowledged: set[str] = set()
    refused: Counter[int] = Counter()
    stop = asyncio.Event()

    async def write(number: int) -> None:
        async with client(two, number * 4) as web:  # all of them carol
            for turn in range(10_000):
                if stop.is_set():
                    return
                name = f"w{number}.{turn}"
                answer = await web.put(f"/v1/users/{name}", json={})
                if answer.status_code == 201:
                    acknowledged.add(name)
                else:
                    refused[answer.status_code] += 1
                    await asyncio.sleep(0.01)

    async def more(count: int) -> None:
        wanted = len(acknowledged) + count
        deadline = time.monotonic() + 30
        while len(acknowledged) < wanted:
            assert time.monotonic() < deadline, refused
            assert not any(writer.done() for writer in writers)
            await asyncio.sleep(0.01)

    writers = [asyncio.create_task(write(number)) for number in range(8)]
    for _ in range(3):
        await more(100)
        await asyncio.to_thread(two.valkey.child.stop, kill=True)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(two.valkey.child.restart)
    await more(50)
    stop.set()
    await asyncio.gather(*writers)

    _, lines = await asyncio.to_thread(state, two)
    there = {line["name"] for line in lines if line["type"] == "user"}
    recorded = {event["user"] for event in two.events() if event["kind"] == "user.created"}
    assert acknowledged <= there
    assert there == recorded
    assert set(refused) == {503}
    await asyncio.to_thread(check, two)
