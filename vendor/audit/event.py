"""Audit events: what was tried, by whom, and what came of it.

An event is opened when an attempt begins, filled in as facts become known, and finished once.  It never holds a
secret: the only half of a key pair it may name is the access key id, which is what the store's own log carries, too.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Final

import uuid_utils

from vendor.times import rfc3339

SCHEMA: Final = 1


class Kind(StrEnum):
    """What an event is about."""

    VEND_ATTEMPT = "vend.attempt"
    VEND_ISSUED = "vend.issued"
    VEND_RENEWED = "vend.renewed"
    VEND_REUSED = "vend.reused"
    VEND_DENIED = "vend.denied"
    LEASE_REVOKED = "lease.revoked"
    BREAK_GLASS_ISSUED = "break_glass.issued"
    BREAK_GLASS_DENIED = "break_glass.denied"
    IDENTITY_REJECTED = "identity.rejected"
    RULE_OBSERVED = "identity.observed"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_DELETED = "user.deleted"
    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"
    TENANT_DELETED = "tenant.deleted"
    MEMBER_SET = "tenant.member_set"
    MEMBER_REMOVED = "tenant.member_removed"
    STEWARD_ADDED = "tenant.steward_added"
    STEWARD_REMOVED = "tenant.steward_removed"
    SHARE_CREATED = "share.created"
    SHARE_REMOVED = "share.removed"
    KEYS_ROTATED = "keys.rotated"
    PURGE_BEGUN = "data.purge_begun"
    PURGED = "data.purged"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_REVIEWED = "audit.reviewed"
    AUDIT_TRIMMED = "audit.trimmed"
    STATE_EXPORTED = "state.exported"
    STATE_IMPORTED = "state.imported"
    STORE_PROBED = "store.probe"


class Decision(StrEnum):
    """What came of it: done, refused by a rule, or broken on the way."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: the principal's name and, as the identity provider calls them, issuer and subject."""

    name: str
    issuer: str
    subject: str
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: the door it used and what the client said of itself (unverified).

    `session` is the name that a client of the STS door gave its session, `trace_id` that of the W3C `traceparent`.
    """

    request_id: str
    door: str
    client: str | None = None
    user_agent: str | None = None
    session: str | None = None
    trace_id: str | None = None


@dataclass(slots=True)
class Event:
    """One event.  `facts` are JSON values, named per kind."""

    kind: Kind
    time: float
    actor: Actor
    origin: Origin
    decision: Decision = Decision.ALLOWED
    reason: str | None = None
    facts: dict[str, object] = field(default_factory=dict)
    opened: float = field(default_factory=perf_counter)
    event_id: str = field(default_factory=lambda: f"e_{uuid_utils.uuid7().hex}")

    def refuse(self, kind: Kind, reason: str, *, failed: bool = False) -> None:
        """Turn into the event of a refusal (or, with `failed`, of a breakdown), for the error code `reason`."""
        self.kind = kind
        self.decision = Decision.FAILED if failed else Decision.DENIED
        self.reason = reason

    def text(self) -> str:
        """Return the event as one line of JSON with sorted members: the bytes that are stored."""
        record: dict[str, object] = {
            "schema": SCHEMA,
            "event_id": self.event_id,
            "time": rfc3339(self.time),
            "ms": round((perf_counter() - self.opened) * 1000, 1),
            "kind": str(self.kind),
            "decision": str(self.decision),
            "request_id": self.origin.request_id,
            "door": self.origin.door,
            "client": {
                "address": self.origin.client,
                "user_agent": self.origin.user_agent,
                **({} if self.origin.session is None else {"session": self.origin.session}),
            },
            "actor": {
                "name": self.actor.name,
                "issuer": self.actor.issuer,
                "subject": self.actor.subject,
                "admin": self.actor.admin,
            },
            **self.facts,
        }
        if self.origin.trace_id is not None:
            record["trace_id"] = self.origin.trace_id
        if self.reason is not None:
            record["reason"] = self.reason
        return json.dumps(record, sort_keys=True, separators=(",", ":"))
