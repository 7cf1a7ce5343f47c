"""The keys of one issuer as the gateway holds them: read in the background, kept when the issuer is away.

* Within `refresh_seconds` of a successful read the keys in memory are used as they are.
* After that a read is started in the background; a minute later still, a token waits for it.  So a key that the issuer
  has removed is refused at the latest `refresh_seconds` + 60 s after its removal, as long as the issuer answers.
* A token with an unknown `kid` starts a read at once, at most one a minute for all replicas together; the one that
  reads tells the others what it found.
* A read that fails changes nothing; the last good keys are used for at most a day.  Only then, or if there never were
  any, callers get `identity_provider_unavailable`.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

import structlog

from vendor.errors import IdentityProviderUnavailable
from vendor.identity.cooldown import Cooldown, LocalCooldown
from vendor.identity.fetch import FetchFailed
from vendor.identity.jwk import VerifyingKey, VerifyingKeys
from vendor.identity.key_exchange import KeyExchange
from vendor.tasks import give_up
from vendor.times import Clock

UNKNOWN_KID_SECONDS = 60
GRACE_SECONDS = 60.0
RETRY_SECONDS = 10.0
WAIT_STEPS = 30
WAIT_STEP_SECONDS = 0.1
MAX_STALE_SECONDS = 86_400.0
_log = structlog.get_logger(__name__)


class ReadsKeys(Protocol):
    """Where keys are read from.  Both may raise FetchFailed."""

    async def read(self) -> bytes:
        """Return the key set of this moment."""
        ...

    def parse(self, document: bytes) -> VerifyingKeys:
        """Return the keys in it."""
        ...


@dataclass(frozen=True, slots=True)
class Braking:
    """What the replicas do together: brake, and tell each other what they have read."""

    cooldown: Cooldown
    exchange: KeyExchange | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    keys: VerifyingKeys
    read_at: float
    wall: float


class KeyCache:
    """One issuer's keys.  At most one read is under way at any time; whoever needs it waits for the same one."""

    def __init__(
        self,
        source: ReadsKeys,
        *,
        name: str,
        url: str,
        refresh_seconds: float,
        braking: Braking,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._source = source
        self._name = name
        # Replicas whose trust files differ must not answer for each other, and neither must two entries for one URL.
        self._shared_name = f"{name} {url}"
        self._refresh_seconds = refresh_seconds
        self._braking = braking
        self._own_cooldown = LocalCooldown(monotonic)
        self._clock = clock
        self._monotonic = monotonic
        self._held: _Held | None = None
        self._failed_at: float | None = None
        self._reading: asyncio.Task[bytes | None] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> VerifyingKey | None:
        """Return the key of that name, None if the issuer has none.  Raises IdentityProviderUnavailable."""
        key = (await self._keys()).find(kid)
        if key is None and kid is not None:
            for running in (self._reading, self._looking):  # may have begun before the key was published
                if running is not None and not running.done():
                    await asyncio.shield(running)
            key = (await self._keys()).find(kid)
        if key is None and kid is not None:
            await asyncio.shield(self._look_again())
            key = (await self._keys()).find(kid)
        return key

    async def ready(self) -> bool:
        """Say whether there are keys to verify with; reads them if there are none yet."""
        try:
            await self._keys()
        except IdentityProviderUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Give up a read that is under way."""
        await give_up(filter(None, (self._looking, self._reading)))

    async def _keys(self) -> VerifyingKeys:
        age = self._age()
        if age is None:
            if not self._failed_lately():
                await self._read()
        elif age > self._refresh_seconds and not self._failed_lately():
            reading = self._start()
            if age > self._refresh_seconds + GRACE_SECONDS:
                await asyncio.shield(reading)
        if self._held is None or self._age() is None:
            raise IdentityProviderUnavailable(
                f"The keys of the identity provider {self._name} cannot be read at present.",
                retry_after=int(RETRY_SECONDS),
            )
        return self._held.keys

    def _age(self) -> float | None:
        """Return how old the keys are; None if there are none, or none that may still be used."""
        if self._held is None:
            return None
        age = self._monotonic() - self._held.read_at
        return None if age > max(MAX_STALE_SECONDS, self._refresh_seconds + GRACE_SECONDS) else age

    def _failed_lately(self) -> bool:
        return self._failed_at is not None and self._monotonic() - self._failed_at < RETRY_SECONDS

    def _look_again(self) -> asyncio.Task[None]:
        """Read for the sake of an unknown `kid`, if no replica has done so lately; all who ask now wait together."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_once(), name=f"unknown key of {self._name}")
        return self._looking

    async def _look_once(self) -> None:
        if await self._may_read():
            document = await self._read()
            if document is not None:
                await self._offer(document)
        elif self._braking.exchange is not None:
            await self._take(self._braking.exchange)

    async def _may_read(self) -> bool:
        name = f"jwks:{self._shared_name}"
        try:
            return await self._braking.cooldown.try_acquire(name, UNKNOWN_KID_SECONDS)
        except Exception:  # noqa: BLE001  whatever the shared brake fails with, this process still has its own
            return await self._own_cooldown.try_acquire(name, UNKNOWN_KID_SECONDS)

    async def _offer(self, document: bytes) -> None:
        if self._braking.exchange is None:
            return
        try:
            await self._braking.exchange.offer(self._shared_name, document)
        except Exception as problem:  # noqa: BLE001  the others then wait for their own next read
            _log.warning("issuer_keys_not_shared", issuer=self._name, problem=type(problem).__name__)

    async def _take(self, exchange: KeyExchange) -> None:
        """Take what the replica that may read has found, waiting for it once a minute at most."""
        patient = await self._own_cooldown.try_acquire("wait", UNKNOWN_KID_SECONDS)
        try:
            for _ in range(WAIT_STEPS if patient else 1):
                document = await exchange.take(self._shared_name, newer_than=self._held.wall if self._held else 0.0)
                if document is not None:
                    self._hold(self._source.parse(document), self._monotonic())
                    return
                if patient:
                    await asyncio.sleep(WAIT_STEP_SECONDS)
        except Exception as problem:  # noqa: BLE001  as in _offer
            _log.warning("issuer_keys_not_taken", issuer=self._name, problem=type(problem).__name__)

    async def _read(self) -> bytes | None:
        return await asyncio.shield(self._start())  # a caller that goes away leaves the read to the others

    def _start(self) -> asyncio.Task[bytes | None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once(), name=f"keys of {self._name}")
        return self._reading

    async def _read_once(self) -> bytes | None:
        started = self._monotonic()
        try:
            document = await self._source.read()
            self._hold(self._source.parse(document), started)
        except FetchFailed as problem:
            self._failed_at = self._monotonic()
            _log.warning("issuer_keys_not_read", issuer=self._name, problem=str(problem), kept=self._held is not None)
            return None
        return document

    def _hold(self, keys: VerifyingKeys, read_at: float) -> None:
        self._held, self._failed_at = _Held(keys, read_at, self._clock()), None
