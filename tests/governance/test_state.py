"""Governance in Redis when something there is not as it should be: refused, and nothing done by halves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.errors import StateUnavailable
from vendor.governance.change import REVISION, Change
from vendor.governance.line_members import BadLine
from vendor.governance.records import Share, Target, TargetKind, Tenant, User, share_id
from vendor.governance.state import Subject
from vendor.governance.statefile import (
    KINDS,
    End,
    Header,
    Line,
    Member,
    Steward,
    read_line,
    write_line,
)
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship.shares import Offer
from vendor.stewardship.tenants import Metadata

ALICE, CAROL = caller("alice"), caller("carol", admin=True)
OFFER = Offer(
    parse_s3_path("s3a://cdm-lake/users-general-warehouse/alice/x/"), (Target(TargetKind.USER, "bob"),), Level.READ
)


async def everything(house: House) -> dict[str, object]:
    """All keys with their contents."""
    client = house.database._client
    found: dict[str, object] = {}
    async for key in client.scan_iter("*"):
        kind = await client.type(key)
        readers = {"hash": client.hgetall, "zset": lambda one: client.zrange(one, 0, -1), "string": client.get}
        readers["stream"] = client.xlen
        found[key] = await readers[kind](key)
    return found


@pytest.mark.parametrize(
    "key", ["share:" + share_id(OFFER.path, OFFER.targets[0]), "user:bob:shares", "user:alice:shared", "revisions"]
)
async def test_a_key_of_the_wrong_type_stops_the_whole_change(house: House, key: str) -> None:
    client = house.database._client
    await client.delete("{vendor}:0:" + key)
    await client.set("{vendor}:0:" + key, "x")
    before = await everything(house)

    with pytest.raises(StateUnavailable):
        await house.shares.create(ALICE, OFFER)

    assert await everything(house) == before


async def test_a_stream_of_the_wrong_type_stops_the_whole_change(house: House) -> None:
    client = house.database._client
    await client.delete("{vendor}:audit")
    await client.set("{vendor}:audit", "x")
    before = await everything(house)

    with pytest.raises(StateUnavailable):
        await house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    assert await everything(house) == before


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("user:bob:shares", "s_x", "no json"),
        ("user:bob:shares", "s_x", '{"path": "s3://cdm-lake/*", "access": "write", "expires_at": null}'),
        ("user:bob:shares", "s_x", '{"path": "s3://cdm-lake/a", "access": "all", "expires_at": null}'),
        ("user:bob:shares", "s_x", '{"path": "s3://cdm-lake/a", "access": "read"}'),
        ("user:bob:shares", "s_x", '{"path": "s3://cdm-lake/a", "access": "read", "expires_at": "never"}'),
        ("user:bob:shares", "s_x", "[]"),
        ("everyone:shares", "s_x", "7"),
        ("user:bob:tenants", "kbase", "owner"),
        ("user:bob:tenants", "KBASE", "read_only"),
        ("user:bob", "rev", "many"),
    ],
)
async def test_what_cannot_be_read_is_no_right(house: House, key: str, field: str, value: str) -> None:
    await house.database._client.hset("{vendor}:0:" + key, field, value)

    with pytest.raises(StateUnavailable):
        await house.governance.standing(Subject(UserName("bob")))


@pytest.mark.parametrize("op", [("SET", "users", "x"), ("FLUSHALL",), ("HSET", "users", "a", "b"), ("EVAL", "x", "0")])
async def test_a_change_does_nothing_it_must_not(house: House, op: tuple[str, ...]) -> None:
    before = await everything(house)
    change = Change()
    change.do("HSET", "user:bob", "display_name", "x")
    change.do(*op)

    with pytest.raises(StateUnavailable):
        await house.governance.commit(change, ["{}"])

    assert await everything(house) == before


async def test_a_look_does_not_write(house: House) -> None:
    for command in ("DEL", "HSET", "FLUSHALL", "KEYS", "EACH"):
        with pytest.raises(StateUnavailable):
            await house.governance.look((command, "users", "a", "b"))


@pytest.mark.parametrize("text", ["@rev", "null", "false", "{}", "[]", "\\u0000", "''", "ü😀", "\u2028"])
async def test_texts_are_kept_as_they_are(house: House, text: str) -> None:
    view, _ = await house.tenants.put(CAROL, KBASE, Metadata(text), revision=None)

    assert view.tenant.display_name == text


async def test_a_failed_check_does_nothing(house: House) -> None:
    before = await everything(house)
    checks: list[tuple[str, str | bool]] = [("user:bob", "0"), ("user:bob", False), ("user:nobody", True)]
    for key, expected in checks:
        change = Change()
        change.require(key, "rev", expected)
        change.put("user:bob", {"display_name": "x", "rev": REVISION})
        assert await house.governance.commit(change, ["{}"]) is None
    full = Change()
    full.require_room("HLEN", "tenant:kbase:members", 2)
    full.do("HSET", "tenant:kbase:members", "x", "y")
    assert await house.governance.commit(full, ["{}"]) is None

    assert await everything(house) == before


async def test_every_change_leaves_its_events_with_its_revision(house: House) -> None:
    revision, _ = await house.governance.look()
    change = Change()
    change.put("user:bob", {"rev": REVISION})

    made = await house.governance.commit(change, ['{"a":1}', '{"b":2}'])

    assert made == revision + 1
    assert [(entry["event"], entry["revision"]) for entry in (await house.entries())[-2:]] == [
        ('{"a":1}', str(made)),
        ('{"b":2}', str(made)),
    ]
    _, (bob,) = await house.governance.look(("HGETALL", "user:bob"))
    assert bob["rev"] == str(made)


_TIMES = st.sampled_from(["1970-01-01T00:00:00Z", "2026-11-21T06:00:00Z", "9999-12-31T23:59:59Z"])
_LINES_OF_TEXT = st.none() | st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=60)
_USERS = st.sampled_from([UserName("alice"), UserName("b.o-b"), UserName("0x")])
_TENANTS = st.sampled_from([TenantName("kbase"), TenantName("hydro")])
_PARTIES = st.builds(Target, st.just(TargetKind.USER), _USERS) | st.builds(Target, st.just(TargetKind.TENANT), _TENANTS)
_PATHS = st.sampled_from(["s3a://cdm-lake/a/b", "s3://cdm-lake/a b/ü/", "s3a://cdm-lake/%/x"]).map(parse_s3_path)


@st.composite
def _shares(draw: st.DrawFn) -> Share:
    path, target = draw(_PATHS), draw(_PARTIES | st.just(Target(TargetKind.EVERYONE)))
    ends = draw(st.none() | st.integers(1, 253_402_300_799).map(float))
    return Share(
        share_id(path, target), path, target, draw(st.sampled_from(Level)), ends, draw(_PARTIES), "a", draw(_TIMES)
    )


_LINES: st.SearchStrategy[Line] = st.one_of(
    st.builds(Header, st.integers(0, 2**40), _TIMES),
    st.builds(User, _USERS, _TIMES, _LINES_OF_TEXT, st.none() | st.just("a@b"), st.booleans(), st.just(0), st.none()),
    st.builds(
        Tenant, _TENANTS, _LINES_OF_TEXT, _LINES_OF_TEXT, st.none() | st.just("https://x.org/a"), _LINES_OF_TEXT,
        _TIMES, _USERS, _TIMES, _USERS, st.just(0), st.just(""),
    ),
    st.builds(Member, _TENANTS, _USERS, st.sampled_from(Access)),
    st.builds(Steward, _TENANTS, _USERS, _TIMES, _USERS),
    _shares(),
    st.builds(End, st.fixed_dictionaries({kind: st.integers(0, 9) for kind in KINDS})),
)  # fmt: skip


@given(_LINES)
def test_every_line_reads_back_as_it_was_written(line: Line) -> None:
    data = write_line(line)

    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert read_line(data) == line


@given(_LINES, st.data())
def test_a_line_with_a_member_changed_is_refused_or_means_something_else(line: Line, data: st.DataObject) -> None:
    members = json.loads(write_line(line))
    name = data.draw(st.sampled_from(sorted(members)))
    members[name] = data.draw(st.sampled_from([[], {}, 1.5, -1, "\u0007", "*", "../x", "x" * 5000]))

    found: object = None
    try:
        found = read_line(json.dumps(members).encode())
    except BadLine as refusal:
        found = str(refusal)
    assert found != line
    assert "x" * 50 not in repr(found) or not isinstance(found, str)
