"""What the API and the audit log are told of a lease."""

import hashlib

from vendor.governance.state import Standing
from vendor.leases.lease import Issued, Lease, LeaseAsk
from vendor.policy.grant import Ask
from vendor.policy.scope import Granted
from vendor.times import rfc3339


def view(lease: Lease) -> dict[str, object]:
    """The lease as the API shows it."""
    return {
        "id": lease.id,
        "principal": lease.principal,
        "store": lease.store,
        "issued_at": rfc3339(lease.issued_at),
        "expires_at": rfc3339(lease.expires_at),
        "refresh_after": rfc3339(lease.refresh_after),
        "renewable_until": None if lease.renewable_until is None else rfc3339(lease.renewable_until),
        "scope": [granted_entry(granted) for granted in lease.scope],
        "not_granted": [entry(missing) for missing in lease.not_granted],
        "policy": {
            "bytes": lease.policy.bytes,
            "limit": lease.policy_limit,
            "sha256": lease.policy.sha256,
            "form": str(lease.form),
        },
        "audit_context": dict(lease.audit_context),
    }


def asked(ask: LeaseAsk) -> dict[str, object]:
    """The ask, as its caller put it."""
    return {
        "store": ask.store,
        "asked": {
            "scope": None if ask.scope is None else [entry(one) for one in ask.scope],
            "duration": ask.duration,
            "renewable_for": ask.renewable_for,
            "partial": ask.partial,
            **({} if ask.policy is None else {"policy_sha256": hashlib.sha256(ask.policy.encode()).hexdigest()}),
            **({} if ask.at_most is None else {"at_most": str(ask.at_most)}),
        },
        "audit_context": dict(ask.audit_context or {}),
    }


def given(issued: Issued, standing: Standing) -> dict[str, object]:
    """What was made of it.  The access key id is the half of the keys that the store's own log names."""
    lease = issued.lease
    return {
        "lease": lease.id,
        "renewals": lease.renewals,
        "access_key_id": issued.credentials.access_key_id,
        "granted": [granted_entry(granted) for granted in lease.scope],
        "not_granted": [entry(missing) for missing in lease.not_granted],
        "policy": {"bytes": lease.policy.bytes, "sha256": lease.policy.sha256, "form": str(lease.form)},
        "ceiling": list(lease.ceiling),
        "issued_at": rfc3339(lease.issued_at),
        "expires_at": rfc3339(lease.expires_at),
        "renewable_until": None if lease.renewable_until is None else rfc3339(lease.renewable_until),
        "governance_revision": int(standing.revision),
    }


def entry(ask: Ask) -> dict[str, object]:
    """One entry of a scope, as the API writes it."""
    return {"path": ask.path.text, "access": str(ask.level)}


def granted_entry(granted: Granted) -> dict[str, object]:
    """One entry of a scope with the reason why it was granted."""
    return {**entry(granted.ask), "source": granted.source}
