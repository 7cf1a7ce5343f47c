"""A lease: one vending relationship, as it is asked for, kept and answered.  It never holds a secret."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from vendor.names import UserName
from vendor.policy.grant import Ask
from vendor.policy.planner import SessionPolicy
from vendor.policy.scope import Granted
from vendor.stores.credentials import Credentials
from vendor.stores.store import StoreSettings

LeaseId = NewType("LeaseId", str)
"""`l_` and 20 characters of base32: 100 random bits, short enough for a session name."""


def new_lease_id() -> LeaseId:
    """Return a lease id nobody can guess."""
    return LeaseId("l_" + base64.b32encode(secrets.token_bytes(13)).decode().lower()[:20])


@dataclass(frozen=True, slots=True)
class LeaseAsk:
    """What a caller asks for.  `duration` is in seconds; `scope` None means everything that is granted."""

    scope: tuple[Ask, ...] | None = None
    duration: int | None = None
    store: str = "default"
    partial: bool = False
    audit_context: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease.  Times are in seconds since the epoch."""

    id: LeaseId
    principal: UserName
    store: str
    issued_at: float
    expires_at: float
    refresh_after: float
    scope: tuple[Granted, ...]
    not_granted: tuple[Ask, ...]
    policy: SessionPolicy
    policy_limit: int
    audit_context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Issued:
    """What leaves the gateway: the lease and its keys, shown once."""

    lease: Lease
    credentials: Credentials
    store: StoreSettings
