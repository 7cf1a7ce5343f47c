"""Leases as Redis keeps them: spread over all slots, gone by themselves some time after their end.

What is kept can be used to read nothing: a record says who holds a lease for what, and holds no key.
"""

import json
from typing import Final

from vendor.database import Database
from vendor.leases.lease import Lease, LeaseId
from vendor.times import rfc3339

KEPT_AFTER_END: Final = 86_400  # seconds for which an ended lease still answers what it was


class Register:
    """Keeper of lease records."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix

    async def put(self, lease: Lease) -> None:
        """Keep a lease.  Raises StateUnavailable."""
        await self._database.put_hash(
            self._key(lease.id), _fields(lease), expires_at=int(lease.expires_at) + KEPT_AFTER_END
        )

    async def drop(self, lease: LeaseId) -> None:
        """Forget a lease that never left the gateway.  Raises StateUnavailable."""
        await self._database.delete(self._key(lease))

    def _key(self, lease: LeaseId) -> str:
        return f"{self._prefix}:lease:{lease}"


def _fields(lease: Lease) -> dict[str, str]:
    scope = [{"path": granted.ask.path.text, "access": str(granted.ask.level)} for granted in lease.scope]
    return {
        "principal": lease.principal,
        "store": lease.store,
        "issued_at": rfc3339(lease.issued_at),
        "expires_at": rfc3339(lease.expires_at),
        "scope": json.dumps(scope),
        "policy": json.dumps({"bytes": lease.policy.bytes, "sha256": lease.policy.sha256}),
        "audit_context": json.dumps(dict(lease.audit_context)),
    }
