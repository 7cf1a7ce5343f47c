"""Live keys: the newest of a lease, and how they are kept so that any replica can give them again.

They lie in Redis sealed with the lease's token (see `sealed`), bound to the lease and the number of the renewal that
made them, and are gone when they expire.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from vendor.database import Database
from vendor.leases.lease import Issued, LeaseAsk, LeaseId, reported_end
from vendor.leases.sealed import seal, unseal
from vendor.secret import LeaseToken, SecretKey, SessionToken
from vendor.stores.credentials import Credentials

LEFT: Final = 1200.0  # seconds; SDKs begin to ask for other keys at 900
SDK_LEAST: Final = 1800
"""The shortest keys that SDKs do well with: of keys with 900 seconds or less, boto3 asks for others at every call."""
AWS_LEAST: Final = 900
"""Shorter keys exist only on stores set up for development, whose users mean what they say."""


@dataclass(frozen=True, slots=True)
class Live:
    """Keys that may be given again.  `revision` and `digest` are of the governance that they were made from."""

    lease: LeaseId
    renewals: int
    store: str
    asked: int | None
    issued_at: float
    expires_at: float
    revision: str
    digest: str
    credentials: Credentials

    @classmethod
    def of(cls, issued: Issued, ask: LeaseAsk) -> Self:
        """Return what was just made for `ask`."""
        lease = issued.lease
        return cls(
            lease=lease.id,
            renewals=lease.renewals,
            store=lease.store,
            asked=ask.duration,
            issued_at=lease.issued_at,
            expires_at=lease.expires_at,
            revision=issued.revision,
            digest=issued.digest,
            credentials=issued.credentials,
        )

    @property
    def reported_end(self) -> float:
        """The end that clients are told."""
        return reported_end(self.issued_at, self.expires_at)

    def is_fresh(self, wanted: int | None, now: float) -> bool:
        """Say whether these are the keys to give to one who wants keys of `wanted` seconds.

        They have more left than half of their life, and than what an SDK regards as nearly nothing.
        """
        if self.asked is not None and (wanted or 0) > self.asked:
            return False
        life = self.expires_at - self.issued_at
        left = max(LEFT, life / 2) if life >= SDK_LEAST - 1 else life / 2
        return now < self.expires_at - left

    def is_good(self, now: float) -> bool:
        """Say whether these keys still work."""
        return now < self.reported_end


def sdk_duration(asked: int | None) -> int | None:
    """Return the duration of the keys that an SDK is given for a lease whose keys were asked to last `asked`."""
    return SDK_LEAST if asked is not None and AWS_LEAST <= asked < SDK_LEAST else asked


class SealedKeys:
    """Keeper of live keys in Redis.  Every method raises StateUnavailable."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix

    async def put(self, live: Live, token: LeaseToken) -> None:
        """Keep keys until they expire, in the place of older ones."""
        text = f"{live.renewals}.{seal(token, _bound(live.lease, live.renewals), _text(live))}"
        await self._database.put_text(self._key(live.lease), text, expires_at=int(live.expires_at))

    async def get(self, lease: LeaseId, token: LeaseToken) -> Live | None:
        """Return the newest keys of a lease; None if there are none that this token opens."""
        renewals, _, sealed = (await self._database.get_text(self._key(lease)) or "").partition(".")
        if not renewals.isdecimal():
            return None
        text = unseal(token, _bound(lease, int(renewals)), sealed)
        return None if text is None else _parsed(lease, int(renewals), text)

    async def drop(self, lease: LeaseId) -> None:
        """Remove the keys of a lease."""
        await self._database.delete(self._key(lease))

    def _key(self, lease: LeaseId) -> str:
        return f"{self._prefix}:sealed:{lease}"


def _bound(lease: LeaseId, renewals: int) -> str:
    return f"{lease}.{renewals}"


def _text(live: Live) -> str:
    keys = live.credentials
    secret, session = keys.secret_key.reveal(), keys.session_token.reveal()
    return json.dumps(
        {
            "store": live.store,
            "asked": live.asked,
            "issued_at": live.issued_at,
            "expires_at": live.expires_at,
            "revision": live.revision,
            "digest": live.digest,
            "keys": [keys.access_key_id, secret, session, keys.expires_at],
        }
    )


def _parsed(lease: LeaseId, renewals: int, text: str) -> Live | None:
    """Read what was sealed; None for what another version of the gateway may have sealed."""
    try:
        fields: dict[str, Any] = json.loads(text)
        access_key_id, secret, session, expires_at = fields.pop("keys")
        keys = Credentials(access_key_id, SecretKey(secret), SessionToken(session), expires_at)
        return Live(lease=lease, renewals=renewals, credentials=keys, **fields)
    except (ValueError, KeyError, TypeError):
        return None
