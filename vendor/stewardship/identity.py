"""What identity needs of the database and of the audit log, in the forms that it asks for."""

import structlog

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.identity.observe import Observation
from vendor.times import Clock


class SharedCooldown:
    """The brake on key-set fetches that all replicas share."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix

    async def try_acquire(self, name: str, seconds: int) -> bool:
        """Return True to at most one caller of any replica for `name` within `seconds`.  Raises StateUnavailable."""
        return await self._database.acquire(f"{self._prefix}:cooldown:{name}", seconds)


class SharedBoard:
    """Where the replica that has read an issuer's key set leaves it for the others."""

    def __init__(self, database: Database, prefix: str, clock: Clock) -> None:
        self._database = database
        self._prefix = prefix
        self._clock = clock

    async def put(self, name: str, text: str, seconds: int) -> None:
        """Keep `text` for `seconds`.  Raises StateUnavailable."""
        await self._database.put_hash(self._key(name), {"text": text}, expires_at=int(self._clock()) + seconds)

    async def get(self, name: str) -> str | None:
        """Return what is kept under `name`.  Raises StateUnavailable."""
        return (await self._database.get_hash(self._key(name))).get("text")

    def _key(self, name: str) -> str:
        return f"{self._prefix}:board:{name}"


class Observations:
    """Records what trust rules in audit mode would have done."""

    def __init__(self, trail: Trail, clock: Clock) -> None:
        self._trail = trail
        self._clock = clock

    async def __call__(self, seen: Observation) -> None:
        """Record one observation.  Raises AuditUnavailable."""
        bound = structlog.contextvars.get_contextvars()
        actor = Actor(seen.principal.name if seen.principal else "", seen.trusted_by, seen.subject)
        origin = Origin(request_id=str(bound.get("request_id", "")), door="identity")
        facts: dict[str, object] = {
            "trusted_by": seen.trusted_by,
            "rule": seen.rule,
            "would_admit": seen.admitted,
            "would_refuse_for": seen.reason,
        }
        await self._trail.write(Event(Kind.RULE_OBSERVED, self._clock(), actor, origin, facts=facts))
