"""Copy the whole state as it is at one moment, for a backup or a move.

A copy is read page by page and counts only if the revision stayed the same.  Where changes keep coming in between,
the last attempt holds them back for as long as the reading takes; leases go on all the while.  What is read is kept
compressed, some 30 bytes a record, so that a slow reader holds nothing back.
"""

import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from vendor.audit.event import Kind
from vendor.audit.trail import Trail
from vendor.errors import Conflict
from vendor.governance import keys
from vendor.governance.change import Part
from vendor.governance.generations import Generations
from vendor.governance.records import Target, TargetKind, Tenant, User, stored_user
from vendor.governance.statefile import Header, Member, Record, Steward, counted, kind_of, write_line
from vendor.names import TenantName, UserName
from vendor.stewardship.caller import Caller, require_admin, require_unlimited
from vendor.stewardship.desk import Desk
from vendor.stewardship.shares import read_shares
from vendor.stewardship.tenant import read_members, read_stewards
from vendor.times import rfc3339

TRIES: Final = 3  # the last of them with changes held back
PAGE: Final = 500
TENANTS_AT_ONCE: Final = 50
_CHUNK: Final = 65_536


class _Changed(Exception):
    """The state changed while it was read."""


@dataclass(slots=True)
class Content:
    """What a state consists of, whatever the order of its lines."""

    counts: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def add(self, record: Record, line: bytes) -> None:
        """Take one more record in."""
        self.counts[kind_of(record)] += 1
        self.total = (self.total + int.from_bytes(sha256(line).digest(), "big")) % 2**256

    @property
    def digest(self) -> str:
        """The same for the same records, whatever their order."""
        return self.total.to_bytes(32, "big").hex()


@dataclass(slots=True)
class Spool:
    """Bytes, compressed, to be read once or more."""

    _parts: list[bytes] = field(default_factory=list)
    _packer: Any = field(default_factory=lambda: zlib.compressobj(1))

    def write(self, data: bytes) -> None:
        """Add bytes."""
        packed = self._packer.compress(data)
        if packed:
            self._parts.append(packed)

    def close(self) -> None:
        """Add no more."""
        self._parts.append(self._packer.flush())

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes again."""
        unpacker = zlib.decompressobj()
        for part in self._parts:
            rest = part
            while rest:
                yield unpacker.decompress(rest, _CHUNK)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole state at one revision."""

    revision: int
    content: Content
    spool: Spool


@dataclass(frozen=True, slots=True)
class StateCopies:
    """The use case of copying."""

    desk: Desk
    generations: Generations
    trail: Trail

    async def export(self, caller: Caller) -> Copy:
        """Return a copy, once it is recorded who took it.  For administrators.

        Raises RoleRequired, StateUnavailable, AuditUnavailable, and Conflict while another copy holds changes back.
        """
        require_admin(caller, "copy the whole state")
        require_unlimited(caller)
        copy = await self.take(caller)
        facts = {"state_revision": copy.revision, "digest": copy.content.digest, "counts": dict(copy.content.counts)}
        await self.trail.write(caller.event(Kind.STATE_EXPORTED, self.desk.clock(), **facts))
        return copy

    async def take(self, caller: Caller) -> Copy:
        """Return a copy without a record of it."""
        for _ in range(TRIES - 1):
            try:
                return await self._take(caller, None)
            except _Changed:
                continue
        held = self.generations.anew()
        await held.hold()
        try:
            return await self._take(caller, held)
        except _Changed:
            raise Conflict("The state keeps changing; it could not be copied.") from None
        finally:
            await held.end()

    async def _take(self, caller: Caller, held: Generations | None) -> Copy:
        revision, _ = await self.desk.look(caller)
        reading = _Reading(self.desk, revision, held)
        spool, content = Spool(), Content()
        spool.write(write_line(Header(revision, rfc3339(self.desk.clock()))))
        async for record in reading.records():
            line = write_line(record)
            content.add(record, line)
            spool.write(line)
        spool.write(write_line(counted(content.counts)))
        spool.close()
        return Copy(revision, content, spool)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One attempt."""

    desk: Desk
    revision: int
    held: Generations | None

    async def records(self) -> AsyncIterator[Record]:
        """Yield users, tenants, members, stewards and shares, one kind after the other.  Raises _Changed."""
        async for name, fields in self._entries(keys.USERS, "user:"):
            user = User.read(stored_user(name), fields)
            if user is not None:
                yield user
        tenants: list[TenantName] = []
        async for name, fields in self._entries(keys.TENANTS, "tenant:"):
            tenant = Tenant.read(TenantName(name), fields)
            if tenant is not None:
                tenants.append(tenant.name)
                yield tenant
        for read in (self._members, self._stewards):
            for start in range(0, len(tenants), TENANTS_AT_ONCE):
                for person in await read(tenants[start : start + TENANTS_AT_ONCE]):
                    yield person
        async for share in self._shares():
            yield share

    async def _entries(self, index: str, prefix: str) -> AsyncIterator[tuple[str, dict[str, str]]]:
        async for page in self._pages(index, prefix):
            for entry in page:
                yield entry

    async def _pages(self, index: str, prefix: str) -> AsyncIterator[list[tuple[str, dict[str, str]]]]:
        after = "-"
        while True:
            (page,) = await self._look(("EACH", prefix, "ZRANGEBYLEX", index, after, "+", "LIMIT", 0, PAGE))
            yield page
            if len(page) < PAGE:
                return
            after = f"({page[-1][0]}"

    async def _members(self, names: Sequence[TenantName]) -> list[Record]:
        answers = await self._look(*(("HGETALL", keys.members(name)) for name in names))
        return [
            Member(name, UserName(user), access)
            for name, stored in zip(names, answers, strict=True)
            for user, access in read_members(name, stored).items()
        ]

    async def _stewards(self, names: Sequence[TenantName]) -> list[Record]:
        answers = await self._look(*(("HGETALL", keys.stewards(name)) for name in names))
        return [
            Steward(name, UserName(user), named["assigned_at"], named["assigned_by"])
            for name, stored in zip(names, answers, strict=True)
            for user, named in read_stewards(stored).items()
        ]

    async def _shares(self) -> AsyncIterator[Record]:
        for index, kind in ((keys.USERS, TargetKind.USER), (keys.TENANTS, TargetKind.TENANT)):
            async for page in self._pages(index, f"{kind}:"):
                async for share in self._shares_by([Target(kind, name) for name, _ in page]):
                    yield share

    async def _shares_by(self, owners: Sequence[Target]) -> AsyncIterator[Record]:
        counts = await self._look(*(("ZCARD", keys.shares_by(owner)) for owner in owners))
        sized = [(owner, int(count)) for owner, count in zip(owners, counts, strict=True) if count]
        for batch in _batches(sized):
            after = "-"
            while batch:
                reads = [
                    ("EACH", keys.SHARE, "ZRANGEBYLEX", keys.shares_by(owner), after, "+", "LIMIT", 0, PAGE)
                    for owner in batch
                ]
                pages = await self._look(*reads)
                for page in pages:
                    for share in read_shares(page):
                        yield share
                # Only an owner of more than a page is read further, and such a one is alone in a batch.
                batch = batch if len(batch) == 1 and len(pages[0]) == PAGE else []
                after = f"({pages[0][-1][0]}" if batch else "-"

    async def _look(self, *reads: Sequence[Part]) -> list[Any]:
        if self.held is not None:
            await self.held.hold()
        revision, answers = await self.desk.governance.look(*reads)
        if revision != self.revision:
            raise _Changed
        return answers


def _batches(sized: Sequence[tuple[Target, int]]) -> Iterator[list[Target]]:
    """Put owners together that have no more than a page of shares between them."""
    batch: list[Target] = []
    room = PAGE
    for owner, count in sized:
        if count > room and batch:
            yield batch
            batch, room = [], PAGE
        batch.append(owner)
        room -= count
    if batch:
        yield batch
