"""Live keys as this process remembers them: bounded, and gone when half of their life is over."""

import asyncio
import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Self

from vendor.governance.state import Standing
from vendor.leases.lease import Issued, LeaseId, PolicyForm
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.times import Clock

GIVEN_UNTIL: Final = 0.5  # of a lease's life


@dataclass(frozen=True, slots=True)
class Live:
    """Keys that may be given again, and what was read of their holder when they were made.

    `serves_until` is on the wall clock, `gone_at` the same moment on the monotonic one: a clock that is set back makes
    no lease longer.
    """

    issued: Issued
    standing: Standing
    serves_until: float
    gone_at: float

    @classmethod
    def of(cls, issued: Issued, standing: Standing, now: float, monotonic: float) -> Self:
        """Return keys with the moment until which they are given again."""
        lease = issued.lease
        until = lease.issued_at + (lease.expires_at - lease.issued_at) * GIVEN_UNTIL
        return cls(issued, standing, until, monotonic + until - now)

    def serves(self, now: float, monotonic: float) -> bool:
        """Say whether at least half of the life of the keys is left."""
        return now < self.serves_until and monotonic < self.gone_at


class Memory:
    """Live keys by what was asked, those that were given last kept longest."""

    def __init__(self, most: int, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes, tuple[Live, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, mark: bytes) -> Live | None:
        """Return the keys that were made for an ask, if they still serve."""
        kept = self._kept.get(mark)
        if kept is None:
            return None
        if not kept[0].serves(self._clock(), self._monotonic()):
            self.drop(mark, kept[0])
            return None
        self._kept.move_to_end(mark)
        return kept[0]

    def put(self, mark: bytes, live: Live) -> None:
        """Remember keys until they no longer serve."""
        seconds = live.serves_until - self._clock()
        if seconds <= 0 or self._most == 0:
            return
        self._forget(mark)
        timer = asyncio.get_running_loop().call_later(seconds, self.drop, mark, live)
        self._kept[mark] = live, timer
        if len(self._kept) > self._most:
            self._forget(next(iter(self._kept)))

    def drop(self, mark: bytes, live: Live) -> None:
        """Forget these keys, unless others have taken their place."""
        kept = self._kept.get(mark)
        if kept is not None and kept[0] is live:
            self._forget(mark)

    def clear(self) -> None:
        """Forget all keys."""
        for mark in list(self._kept):
            self._forget(mark)

    def _forget(self, mark: bytes) -> None:
        kept = self._kept.pop(mark, None)
        if kept is not None:
            kept[1].cancel()


@dataclass(frozen=True, slots=True)
class Packed:
    """What another replica needs to know of live keys; all else it finds out for itself."""

    lease: LeaseId
    issued_at: float
    expires_at: float
    refresh_after: float
    digest: str
    policy_sha256: str
    credentials: Credentials
    form: PolicyForm = PolicyForm.SESSION
    ceiling: tuple[str, ...] = ()

    @classmethod
    def of(cls, live: Live) -> Self:
        """Take it from live keys."""
        lease = live.issued.lease
        return cls(
            lease.id,
            lease.issued_at,
            lease.expires_at,
            lease.refresh_after,
            live.standing.digest,
            lease.policy.sha256,
            live.issued.credentials,
            lease.form,
            lease.ceiling,
        )

    def text(self) -> str:
        """Return it as text with the keys in it: only ever to be sealed."""
        keys = self.credentials
        return json.dumps(
            [
                self.lease,
                self.issued_at,
                self.expires_at,
                self.refresh_after,
                self.digest,
                self.policy_sha256,
                [keys.access_key_id, keys.secret_key.reveal(), keys.session_token.reveal(), keys.expires_at],
                [self.form, *self.ceiling],
            ]
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it again; it was sealed, so it is what `text` made."""
        *facts, (key, secret, session, ends), (form, *ceiling) = json.loads(text)
        lease, issued_at, expires_at, refresh_after, digest, policy = facts
        credentials = Credentials(key, SecretKey(secret), SessionToken(session), ends)
        limits = PolicyForm(form), tuple(ceiling)
        return cls(LeaseId(lease), issued_at, expires_at, refresh_after, digest, policy, credentials, *limits)
