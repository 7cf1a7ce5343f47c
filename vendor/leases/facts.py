"""What the audit log is told of a lease."""

from vendor.governance.state import Standing
from vendor.leases.lease import Issued, LeaseAsk
from vendor.policy.grant import Ask
from vendor.policy.scope import Granted
from vendor.times import rfc3339


def asked(ask: LeaseAsk) -> dict[str, object]:
    """The ask, as its caller put it."""
    return {
        "store": ask.store,
        "asked": {
            "scope": None if ask.scope is None else [entry(one) for one in ask.scope],
            "duration": ask.duration,
            "partial": ask.partial,
        },
        "audit_context": dict(ask.audit_context or {}),
    }


def given(issued: Issued, standing: Standing) -> dict[str, object]:
    """What was made of it.  The access key id is the half of the keys that the store's own log names."""
    lease = issued.lease
    return {
        "lease": lease.id,
        "access_key_id": issued.credentials.access_key_id,
        "granted": [granted_entry(granted) for granted in lease.scope],
        "not_granted": [entry(missing) for missing in lease.not_granted],
        "policy": {"bytes": lease.policy.bytes, "sha256": lease.policy.sha256},
        "issued_at": rfc3339(lease.issued_at),
        "expires_at": rfc3339(lease.expires_at),
        "governance_revision": int(standing.revision),
    }


def entry(ask: Ask) -> dict[str, object]:
    """One entry of a scope, as the API writes it."""
    return {"path": ask.path.text, "access": str(ask.level)}


def granted_entry(granted: Granted) -> dict[str, object]:
    """One entry of a scope with the reason why it was granted."""
    return {**entry(granted.ask), "source": granted.source}
