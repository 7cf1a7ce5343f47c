"""What the API and the audit log are told of a lease.

The API and the register have a scope whole.  An event has its beginning, and of a longer one the number of entries and
the digest of all of them, which is that of the same list as the register or a caller has it: JSON, members sorted.
"""

import hashlib
import json
from typing import Final

from vendor.governance.state import Standing
from vendor.leases.lease import Issued, Lease, LeaseAsk
from vendor.policy.grant import Ask
from vendor.policy.scope import Granted
from vendor.times import rfc3339

RECORDED: Final = 50  # entries of a list in an event


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
            **({"scope": None} if ask.scope is None else _bounded("scope", [entry(one) for one in ask.scope])),
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
        **_bounded("granted", [granted_entry(granted) for granted in lease.scope]),
        **_bounded("not_granted", [entry(missing) for missing in lease.not_granted]),
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


def _bounded(name: str, entries: list[dict[str, object]]) -> dict[str, object]:
    if len(entries) <= RECORDED:
        return {name: entries}
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"))
    whole = {"entries": len(entries), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return {name: entries[:RECORDED], f"{name}_whole": whole}
