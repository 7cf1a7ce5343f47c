"""Seal the log: a checkpoint over every run of events, chained to the one before and signed.

At most one checkpoint follows another: a checkpoint is stored under its number, and only if the one before is still the
newest.  So two replicas that seal at the same time never fork the chain; one of them just finds that it was late.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from vendor.audit.log import START, AuditLog, Entry, Sealed
from vendor.database import Script
from vendor.errors import StateUnavailable
from vendor.sealed import merkle
from vendor.sealed.records import (
    CHECKPOINT_TYPE,
    GENESIS,
    MOST_IN_RUN,
    BadForm,
    Checkpoint,
    leaf_of,
    pack_leaves,
    payload_of,
    place,
    read_checkpoint,
    revision_text,
)
from vendor.times import Clock, parse_rfc3339, rfc3339

# KEYS: checkpoints.  ARGV: number of the newest checkpoint as read, JWS, leaves.  Returns 1, or 0 for one too late.
_APPEND: Final = Script("""
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local number = '0'
if newest[1] then number = string.match(newest[1][1], '^%d+') end
if number ~= ARGV[1] then return 0 end
redis.call('XADD', KEYS[1], string.format('%d-0', tonumber(number) + 1), 'jws', ARGV[2], 'leaves', ARGV[3])
return 1
""")


class Signer(Protocol):
    """What checkpoints are signed with."""

    def sign(self, payload: bytes, kind: str) -> str:
        """Return a compact JWS (ES256) whose header says `kind`."""

    def jwks(self) -> dict[str, object]:
        """Return the public keys."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest checkpoint: what it says, and as it is stored.  Before the first, `said` and `sealed` are None."""

    said: Checkpoint | None
    sealed: Sealed | None

    @property
    def number(self) -> int:
        """Its number; 0 before the first."""
        return 0 if self.said is None else self.said.number

    @property
    def last(self) -> str:
        """The cursor of the last sealed event."""
        return START if self.said is None else self.said.last

    @property
    def size(self) -> int:
        """How many events have been sealed."""
        return 0 if self.said is None else self.said.size

    @property
    def digest(self) -> str:
        """What the next checkpoint names as the one before it."""
        return GENESIS if self.sealed is None else digest_of(self.sealed.jws)


class Sealer:
    """Makes checkpoints.  Methods raise StateUnavailable."""

    def __init__(self, log: AuditLog, signer: Signer, gateway: str, clock: Clock) -> None:
        self._log = log
        self.signer = signer
        self.gateway = gateway
        self._clock = clock

    async def head(self) -> Head:
        """Read the newest checkpoint."""
        return head_of(await self._log.head())

    async def lag(self) -> float:
        """Return how old the oldest event is that is not sealed yet, in seconds; 0 where all are."""
        waiting = await self._log.between((await self.head()).last, count=1)
        return max(0.0, self._age(waiting[0])) if waiting else 0.0

    async def step(self, *, patience: float = 0.0) -> bool:
        """Seal one run, of up to 1,000 events; False when there was none to seal.

        A short run whose first event is younger than `patience` (seconds) is left to grow.
        """
        head = await self.head()
        entries = await self._log.between(head.last, count=MOST_IN_RUN)
        if not entries:
            return False
        age = self._age(entries[0])
        if len(entries) < MOST_IN_RUN and 0 <= age < patience:
            return False
        return await self._seal(head, entries)

    async def seal_all(self, until: str) -> Head:
        """Seal everything up to the cursor `until`, whoever does it, and return the newest checkpoint."""
        while True:
            head = await self.head()
            if place(head.last) >= place(until):
                return head
            entries = await self._log.between(head.last, count=MOST_IN_RUN)
            if not entries:
                return head
            await self._seal(head, entries)

    def _age(self, entry: Entry) -> float:
        return self._clock() - int(entry.cursor.partition("-")[0]) / 1000

    async def _seal(self, head: Head, entries: list[Entry]) -> bool:
        leaves = leaves_of(entries)
        moment = self._clock()
        if head.said is not None:
            moment = max(moment, parse_rfc3339(head.said.time))  # a clock that went back moves no checkpoint
        said = Checkpoint(
            number=head.number + 1,
            first=entries[0].cursor,
            last=entries[-1].cursor,
            count=len(entries),
            size=head.size + len(entries),
            root=merkle.root(leaves).hex(),
            previous=head.digest,
            time=rfc3339(moment),
            gateway=self.gateway,
        )
        jws = self.signer.sign(said.payload(), CHECKPOINT_TYPE)
        arguments = [str(head.number), jws, pack_leaves(leaves)]
        return bool(await self._log.run(_APPEND, ["checkpoints"], arguments, repeatable=False))


def head_of(sealed: Sealed | None) -> Head:
    """Read a stored checkpoint, without a look at its signature: that is for whoever verifies."""
    if sealed is None:
        return Head(None, None)
    try:
        return Head(read_checkpoint(payload_of(sealed.jws)), sealed)
    except BadForm as problem:
        raise StateUnavailable("A stored checkpoint of the audit log cannot be read.") from problem


def leaves_of(entries: list[Entry]) -> list[bytes]:
    """Return the leaves that events are in their checkpoint's tree."""
    return [
        leaf_of(entry.cursor.encode(), revision_text(entry.revision).encode(), entry.text.encode()) for entry in entries
    ]


def digest_of(jws: str) -> str:
    """Return what the next checkpoint names this one by."""
    return sha256(jws.encode("ascii")).hexdigest()
