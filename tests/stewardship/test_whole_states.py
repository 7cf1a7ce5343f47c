"""Copies and imports among other changes: what a copy shows was true at one moment, and an import is all or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.governance.replay import Replay, canonical
from tests.support.callers import caller
from tests.support.house import KBASE, House
from vendor.audit.trail import stream_key
from vendor.errors import Conflict, InvalidRequest, StateUnavailable, TooLarge
from vendor.governance import generations
from vendor.governance.generations import Generations, Staged
from vendor.governance.keys import Keys
from vendor.governance.records import Target, TargetKind
from vendor.names import UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.policy.layout import load_layout
from vendor.settings import shipped_policies
from vendor.stewardship import desk as desk_module
from vendor.stewardship import state_copy
from vendor.stewardship.shares import Offer
from vendor.stewardship.state_copy import StateCopies
from vendor.stewardship.state_restore import Restored, StateRestore

ALICE, BOB, CAROL = caller("alice"), caller("bob"), caller("carol", admin=True)
HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


@dataclass
class Archive:
    """Copying and importing."""

    house: House
    generations: Generations
    copies: StateCopies
    restore: StateRestore

    async def file(self) -> bytes:
        return b"".join((await self.copies.export(CAROL)).spool.chunks())

    async def put(self, file: bytes, *, dry_run: bool = False, revision: int | None = None) -> Restored:
        return await self.restore.restore(CAROL, pieces(file), dry_run=dry_run, revision=revision)

    async def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (await self.file()).splitlines()[1:-1]]

    async def names(self) -> set[str]:
        return {key async for key in self.house.database._client.scan_iter("*")}


async def pieces(file: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(file), 100):
        yield file[start : start + 100]


@pytest.fixture
async def archive(house: House, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Small pages, so that there are many of them; and some shares."""
    monkeypatch.setattr(state_copy, "PAGE", 3)
    monkeypatch.setattr(state_copy, "TENANTS_AT_ONCE", 1)
    keys = Keys()
    made = Generations(house.database, keys, stream_key(keys.root))
    copies = StateCopies(house.desk, made, house.trail)
    layout = load_layout(shipped_policies() / "layout.toml")
    for number in range(10):
        targets = (Target(TargetKind.USER, "bob"), Target(TargetKind.EVERYONE))
        await house.shares.create(ALICE, Offer(parse_s3_path(f"{HOME}p{number}"), targets, Level.READ))
    return Archive(house, made, copies, StateRestore(house.desk, made, copies, layout))


class Changes:
    """Changes that are made all the time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._made = asyncio.Event()

    async def make(self) -> None:
        while True:
            for access in (Access.READ_ONLY, Access.READ_WRITE):
                await self._house.members.set(CAROL, KBASE, UserName("dave"), access, revision=None)
                self._made.set()

    async def some(self) -> None:
        """Wait until some more were made."""
        for _ in range(3):
            self._made.clear()
            await asyncio.wait_for(self._made.wait(), 30)


@asynccontextmanager
async def changing(house: House) -> AsyncIterator[Changes]:
    """Change something as long as the block lasts."""
    changes = Changes(house)
    task = asyncio.create_task(changes.make())
    try:
        yield changes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_copy_among_changes_was_true_at_one_moment(archive: Archive) -> None:
    async with changing(archive.house) as changes:
        await changes.some()
        copy = await archive.copies.export(CAROL)
        await changes.some()

    entries = await archive.house.entries()
    before = [json.loads(entry["event"]) for entry in entries if int(entry.get("revision", 0)) <= copy.revision]
    lines = [json.loads(line) for line in b"".join(copy.spool.chunks()).splitlines()[1:-1]]
    assert canonical(Replay().take(before).lines()) == canonical(lines)


async def test_changes_wait_while_they_are_held_back(archive: Archive) -> None:
    held = archive.generations.anew()
    await held.hold()
    waiting = asyncio.create_task(
        archive.house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    )
    await asyncio.sleep(0.2)
    assert not waiting.done()

    await held.end()

    assert (await waiting).members["dave"] is Access.READ_ONLY


async def test_changes_do_not_wait_for_ever(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PATIENCE", 0.1)
    held = archive.generations.anew()
    await held.hold()

    with pytest.raises(StateUnavailable, match="held back"):
        await archive.house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)
    with pytest.raises(Conflict):
        await archive.generations.anew().hold()
    standing = await archive.house.users.standing(BOB)
    assert await archive.house.governance.record(standing, "{}") is None  # leases go on
    await held.end()


async def test_who_holds_changes_back_and_dies_does_not_do_so_for_long(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "HOLD_MS", 200)
    await archive.generations.anew().hold()

    view = await archive.house.members.set(ALICE, KBASE, UserName("dave"), Access.READ_ONLY, revision=None)

    assert "dave" in view.members


async def test_an_import_among_changes_is_one_step_among_them(archive: Archive) -> None:
    file = await archive.file()
    await archive.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    async with changing(archive.house) as changes:
        await changes.some()
        found = await archive.put(file)
        await changes.some()

    assert found.changed
    members = (await archive.house.tenants.view(CAROL, KBASE)).members
    assert set(members) == {"alice", "bob", "dave"}  # bob from the file, dave from a change after it
    assert {name.split(":")[1] for name in await archive.names()} == {"rev", "audit", "generation", "generations", "1"}


async def test_of_two_imports_at_once_one_is_refused(archive: Archive) -> None:
    file = await archive.file()
    await archive.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    outcomes = await asyncio.gather(archive.put(file), archive.put(file), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Restored"]
    assert "bob" in (await archive.house.tenants.view(CAROL, KBASE)).members


@pytest.mark.parametrize("where", ["stage", "adopt"])
async def test_an_import_that_breaks_off_has_changed_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    file = await archive.file()
    await archive.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)
    before, lines = await archive.names(), await archive.lines()

    async def lost(*_: object) -> int:
        raise StateUnavailable("The gateway's state store does not answer.")

    monkeypatch.setattr(Generations, where, lost)
    with pytest.raises(StateUnavailable):
        await archive.put(file)
    monkeypatch.undo()

    assert await archive.lines() == lines
    assert await archive.names() - before <= {"{vendor}:generations"}
    await archive.house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)


async def test_the_next_import_removes_what_a_dead_one_left(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await archive.file()
    await archive.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    async def died(*_: object) -> bool:
        raise StateUnavailable("gone")

    with monkeypatch.context() as dying:
        for name in ("adopt", "sweep", "end"):
            dying.setattr(Generations, name, died)
        with pytest.raises(StateUnavailable):
            await archive.put(file)
    names = await archive.names()
    assert "{vendor}:1:users" in names
    await archive.house.database.delete("{vendor}:importing")  # as time does
    await archive.house.database.delete("{vendor}:hold")

    assert (await archive.put(file)).changed

    assert {name.split(":")[1] for name in await archive.names()} == {"rev", "audit", "generation", "generations", "2"}


async def test_an_import_that_took_too_long_does_not_adopt(archive: Archive) -> None:
    slow = archive.generations.anew()
    staged = await slow.begin(0)
    await archive.house.database.delete("{vendor}:importing")  # its time is over
    other = archive.generations.anew()
    assert (await other.begin(0)).generation == staged.generation + 1

    with pytest.raises(Conflict):
        await slow.adopt(staged, "{}")
    with pytest.raises(Conflict):
        await slow.sweep()
    assert await other.sweep()


async def test_nothing_is_adopted_over_a_change(archive: Archive) -> None:
    importing = archive.generations.anew()
    revision, _ = await archive.house.governance.look()
    staged = await importing.begin(revision)
    await archive.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)

    with pytest.raises(Conflict, match="changed"):
        await importing.adopt(staged, "{}")
    with pytest.raises(Conflict):
        await importing.adopt(Staged(staged.generation, 1), "{}")


async def test_the_size_is_limited(archive: Archive) -> None:
    file = await archive.file()
    archive.restore = StateRestore(
        archive.house.desk, archive.generations, archive.copies, archive.restore.layout, len(file) - 1
    )

    with pytest.raises(TooLarge):
        await archive.put(file)


async def test_a_file_without_last_newline_and_in_small_pieces(archive: Archive) -> None:
    file = await archive.file()

    assert not (await archive.put(file.rstrip(b"\n"))).changed
    with pytest.raises(InvalidRequest, match="Line 1"):
        await archive.put(b"\n" + file)
