"""The log in the vocabulary of flex-auth's AuditEvent: a pure mapping, for services that speak that already.

`id`, `type` and `subject` are required there; everything that is particular to keys is in `metadata`.
"""

from collections.abc import Mapping
from typing import Any, Final

from vendor.audit.event import Kind

_TYPES: Final[Mapping[str, str]] = {
    Kind.VEND_ISSUED: "vend",
    Kind.VEND_REUSED: "vend",
    Kind.VEND_ATTEMPT: "vend.denied",
    Kind.VEND_DENIED: "vend.denied",
    Kind.VEND_RENEWED: "refresh",
    Kind.LEASE_REVOKED: "revoke",
    Kind.IDENTITY_REJECTED: "verify",
    Kind.RULE_OBSERVED: "verify",
}
_EFFECTS: Final = {"allowed": "allow", "denied": "deny", "failed": "deny"}
_TOP: Final = frozenset({"event_id", "kind", "time", "decision", "actor", "lease"})


def flex(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event, with its `cursor`, as flex-auth has it."""
    kind = str(event.get("kind", ""))
    actor = event.get("actor") or {}
    metadata = {member: value for member, value in sorted(event.items()) if member not in _TOP}
    if "lease" in event:
        metadata["lease_id"] = event["lease"]
    if actor.get("issuer"):
        metadata["issuer"] = actor["issuer"]
    metadata["outcome"] = event.get("decision")
    if "reason" in event:
        metadata["error_code"] = event["reason"]
    return {
        "id": event["event_id"],
        "type": _TYPES.get(kind, kind),
        "subject": actor.get("subject") or actor.get("name", ""),
        "action": kind,
        "resource": _resource(event),
        "effect": "audit_only" if kind == Kind.RULE_OBSERVED else _EFFECTS.get(str(event.get("decision")), "deny"),
        "timestamp": event.get("time"),
        "metadata": metadata,
    }


def _resource(event: Mapping[str, Any]) -> str:
    for member, name in (("path", ""), ("tenant", "tenant:"), ("user", "user:"), ("lease", "lease:")):
        if event.get(member):
            return f"{name}{event[member]}"
    return f"store:{event['store']}" if event.get("store") else "vendor"
