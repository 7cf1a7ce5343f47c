"""Leases as Redis keeps them: spread over all slots, gone by themselves some time after their end.

What is kept can be used to read nothing: a record says who holds a lease for what, and of its token only the hash.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from vendor.database import Database, Script
from vendor.errors import StateUnavailable
from vendor.identity.principal import Principal
from vendor.leases import facts
from vendor.leases.holder import ask_text, holder_text, parse_ask, parse_holder
from vendor.leases.lease import Lease, LeaseAsk, LeaseId
from vendor.leases.live import SealedKeys
from vendor.leases.reaching import Reaching, Scope, scope_of
from vendor.leases.token import matches, token_hash
from vendor.names import S3Path, UserName
from vendor.secret import LeaseToken

KEPT_AFTER_END: Final = 86_400  # seconds for which an ended lease still answers what it was
READ_AT_ONCE: Final = 50

_log = structlog.get_logger(__name__)

# KEYS: lease.  ARGV: view or '' to leave it, expires_at, moment of forgetting.  Nothing changes in a lease that was
# ended or is gone.  Keys of an earlier renewal may outlive the newest ones, so the latest end of any is kept.
_RENEW: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'view') == 0 or redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'view', ARGV[1]) end
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], 'expires_at')) then
  redis.call('HSET', KEYS[1], 'expires_at', ARGV[2])
end
redis.call('HINCRBY', KEYS[1], 'renewals', 1)
redis.call('EXPIREAT', KEYS[1], ARGV[3], 'GT')
return 1
""")

# KEYS: lease.  ARGV: how it was ended, as JSON; expires_at as read.  Returns how it was ended the first time; '' for an
# unknown lease, and for one that was renewed since it was read.
_END: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'view') == 0 then return '' end
if redis.call('HEXISTS', KEYS[1], 'ended') == 0 then
  if redis.call('HGET', KEYS[1], 'expires_at') ~= ARGV[2] then return '' end
  redis.call('HSET', KEYS[1], 'ended', ARGV[1])
end
return redis.call('HGET', KEYS[1], 'ended')
""")

# KEYS: lease.  ARGV: how it was ended, as JSON.
_AMEND: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'ended') == 0 then return 0 end
return redis.call('HSET', KEYS[1], 'ended', ARGV[1])
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a lease.  `view` is the lease as the API shows it; `ended` says how, once it was ended."""

    id: LeaseId
    view: Mapping[str, Any]
    holder: Principal
    ask: LeaseAsk
    begun: float
    expires_at: float
    renewable_until: float | None
    renewals: int
    token: str | None
    ended: Mapping[str, Any] | None

    @property
    def end(self) -> float:
        """When this lease can at latest be used or renewed."""
        return max(self.expires_at, self.renewable_until or 0.0)

    def opened_by(self, token: LeaseToken) -> bool:
        """Say whether `token` is this lease's own; in constant time."""
        return self.token is not None and matches(token, self.token)

    def renewed(self, lease: Lease, *, part: bool) -> "Kept":
        """Return what is kept after a renewal, as far as its next try has to know: where it reaches, and until when."""
        shown = self.view if part else facts.view(lease)
        return replace(self, view=shown, expires_at=max(self.expires_at, lease.expires_at))


class Register:
    """Keeper of lease records.  Every method raises StateUnavailable."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._reaching = Reaching(database)
        self.sealed = SealedKeys(database, prefix)

    async def put(self, lease: Lease, holder: Principal, ask: LeaseAsk, token: LeaseToken | None) -> None:
        """Keep a new lease."""
        fields = {
            "view": json.dumps(facts.view(lease)),
            "holder": holder_text(holder),
            "ask": ask_text(ask),
            "begun": repr(lease.issued_at),
            "expires_at": repr(float(lease.expires_at)),
            "renewals": "0",
        }
        if lease.renewable_until is not None:
            fields["renewable_until"] = repr(lease.renewable_until)
        if token is not None:
            fields["token_sha256"] = token_hash(token)
        until, forgotten = _end(lease), lease.issued_at - KEPT_AFTER_END
        await asyncio.gather(
            self._database.put_hash(self._key(lease.id), fields, expires_at=int(until) + KEPT_AFTER_END),
            self._reaching.new(
                self._index(lease.principal),
                lease.id,
                _scope(lease),
                expires_at=lease.expires_at,
                now=lease.issued_at,
                until=until,
                forgotten=forgotten,
            ),
        )

    async def renew(self, kept: Kept, lease: Lease, *, part: bool = False) -> bool:
        """Keep what a renewal made of a lease that was `kept`; False if it was ended in the meantime.

        Keys for a `part` of it leave the lease as it is shown, and as it is looked up by what it reaches.
        """
        arguments: list[str | int] = [
            "" if part else json.dumps(facts.view(lease)),
            repr(float(lease.expires_at)),
            int(_end(lease)) + KEPT_AFTER_END,
        ]
        index, before = self._index(lease.principal), _scope_shown(kept)
        scope = before if part else _scope(lease)
        ends = max(kept.expires_at, lease.expires_at)
        entered = self._reaching.renewed(index, lease.id, scope, before=before, expires_at=ends, now=lease.issued_at)
        _, renewed = await asyncio.gather(  # in this order: an end after the second takes out what the first entered
            _if_possible(entered),
            self._database.run(_RENEW, [self._key(lease.id)], arguments, repeatable=False),
        )
        if not renewed:
            await _if_possible(self._reaching.leave(index, lease.id, scope))
        return bool(renewed)

    async def drop(self, lease: Lease) -> None:
        """Forget a lease that never left the gateway."""
        await asyncio.gather(
            self._database.delete(self._key(lease.id)),
            self.sealed.drop(lease.id),
            _if_possible(self._reaching.leave(self._index(lease.principal), lease.id, _scope(lease))),
        )

    async def get(self, lease: LeaseId) -> Kept | None:
        """Read one lease."""
        return _kept(lease, await self._database.get_hash(self._key(lease)))

    async def is_live(self, lease: LeaseId) -> bool:
        """Say whether a lease is known and was not ended."""
        known, ended = await self._database.get_fields(self._key(lease), "expires_at", "ended")
        return known is not None and ended is None

    async def end(self, kept: Kept, how: Mapping[str, object]) -> Mapping[str, Any] | None:
        """Mark a lease as ended and return how it was ended the first time.

        None, and nothing is done, for a lease that is unknown by now, or was renewed since it was read.
        """
        arguments = [json.dumps(how), repr(kept.expires_at)]
        said, _ = await asyncio.gather(
            self._database.run(_END, [self._key(kept.id)], arguments, repeatable=True),
            _if_possible(self._reaching.leave(self._index(kept.holder.name), kept.id, _scope_shown(kept))),
        )
        return _object(said) if said else None

    async def amend_end(self, lease: LeaseId, how: Mapping[str, object]) -> None:
        """Say more exactly how a lease was ended."""
        await self._database.run(_AMEND, [self._key(lease)], [json.dumps(how)], repeatable=True)

    async def of(self, user: UserName, *, since: float, after: str = "") -> AsyncIterator[Kept]:
        """Yield all of a user's leases that end after `since`, in the order of their ids, from after the id `after`.

        They are read some at a time: a record can be large, and somebody may have made very many.
        """
        ids = sorted(lease for lease in await self._database.noted(self._index(user), since=since) if lease > after)
        for start in range(0, len(ids), READ_AT_ONCE):
            batch = [LeaseId(lease) for lease in ids[start : start + READ_AT_ONCE]]
            found = await self._database.get_hashes([self._key(lease) for lease in batch])
            for lease, fields in zip(batch, found, strict=True):
                kept = _kept(lease, fields)
                if kept is not None:
                    yield kept

    async def count(self, user: UserName, path: S3Path, *, now: float) -> int | None:
        """Count a user's leases with live keys that reach a path or something inside it; None where it is too much."""
        return await self._reaching.count(self._index(user), path, now=now)

    def _key(self, lease: LeaseId) -> str:
        return f"{self._prefix}:lease:{lease}"

    def _index(self, user: UserName) -> str:
        return f"{self._prefix}:leases:{user}"


async def _if_possible(counted: Awaitable[None]) -> None:
    """Wait for a step that only counts leases: it stops nobody from renewing one, and least of all from ending one."""
    try:
        await counted
    except StateUnavailable as failure:
        _log.warning("leases are counted wrong until their keys expire", problem=failure.message)


def _end(lease: Lease) -> float:
    return max(lease.expires_at, lease.renewable_until or 0.0)


def _scope(lease: Lease) -> Scope:
    return scope_of(granted.ask.path.text for granted in lease.scope)


def _scope_shown(kept: Kept) -> Scope:
    return scope_of(entry["path"] for entry in kept.view.get("scope", ()))


def _kept(lease: LeaseId, fields: Mapping[str, str]) -> Kept | None:
    if "view" not in fields:
        return None
    try:
        begun, expires_at = float(fields["begun"]), float(fields["expires_at"])
        until = float(fields["renewable_until"]) if "renewable_until" in fields else None
        renewals = int(fields["renewals"])
    except (KeyError, ValueError) as problem:
        raise StateUnavailable("A stored lease cannot be read.") from problem
    return Kept(
        id=lease,
        view=_object(fields["view"]),
        holder=parse_holder(fields.get("holder", ""), until=max(expires_at, until or 0.0)),
        ask=parse_ask(fields.get("ask", "")),
        begun=begun,
        expires_at=expires_at,
        renewable_until=until,
        renewals=renewals,
        token=fields.get("token_sha256"),
        ended=_object(fields["ended"]) if "ended" in fields else None,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as problem:
        raise StateUnavailable("A stored lease cannot be read.") from problem
    if not isinstance(parsed, dict):
        raise StateUnavailable("A stored lease cannot be read.")
    return parsed
