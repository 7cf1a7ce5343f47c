"""The form of every event by its kind, and the JSON Schema that is made of it.

Consumers may rely on it: within one version members are only added, never taken away or given another meaning.  An
event that says something its kind does not have fails a test, so the schema and the code cannot drift apart.
"""

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter

from vendor.audit.event import SCHEMA, Kind
from vendor.audit.forms.common import AboutUser
from vendor.audit.forms.gateway import AuditExported, AuditReviewed, AuditTrimmed, Observed, Rejected, StoreProbed
from vendor.audit.forms.governance import (
    MemberRemoved,
    MemberSet,
    ShareCreated,
    ShareRemoved,
    StateExported,
    StateImported,
    StewardAdded,
    StewardRemoved,
    TenantDeleted,
    TenantSaid,
    UserChanged,
    UserCreated,
    UserDeleted,
)
from vendor.audit.forms.keys import Denied, Issued, LeaseRevoked, PurgeBegun, Purged

FORMS: Final[Mapping[Kind, Any]] = {
    Kind.VEND_ATTEMPT: Denied,
    Kind.VEND_ISSUED: Issued,
    Kind.VEND_RENEWED: Issued,
    Kind.VEND_REUSED: Issued,
    Kind.VEND_DENIED: Denied,
    Kind.BREAK_GLASS_ISSUED: Issued,
    Kind.BREAK_GLASS_DENIED: Denied,
    Kind.LEASE_REVOKED: LeaseRevoked,
    Kind.RULE_OBSERVED: Observed,
    Kind.IDENTITY_REJECTED: Rejected,
    Kind.USER_CREATED: UserCreated,
    Kind.USER_CHANGED: UserChanged,
    Kind.USER_DELETED: UserDeleted,
    Kind.TENANT_CREATED: TenantSaid,
    Kind.TENANT_CHANGED: TenantSaid,
    Kind.TENANT_DELETED: TenantDeleted,
    Kind.MEMBER_SET: MemberSet,
    Kind.MEMBER_REMOVED: MemberRemoved,
    Kind.STEWARD_ADDED: StewardAdded,
    Kind.STEWARD_REMOVED: StewardRemoved,
    Kind.SHARE_CREATED: ShareCreated,
    Kind.SHARE_REMOVED: ShareRemoved,
    Kind.KEYS_ROTATED: AboutUser,
    Kind.PURGE_BEGUN: PurgeBegun,
    Kind.PURGED: Purged,
    Kind.AUDIT_EXPORTED: AuditExported,
    Kind.AUDIT_REVIEWED: AuditReviewed,
    Kind.AUDIT_TRIMMED: AuditTrimmed,
    Kind.STATE_EXPORTED: StateExported,
    Kind.STATE_IMPORTED: StateImported,
    Kind.STORE_PROBED: StoreProbed,
}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an event: common members, and for each kind its own."""
    forms = sorted({form.__name__: form for form in FORMS.values()}.items())
    adapters = [(name, "validation", TypeAdapter(form)) for name, form in forms]
    found, defined = TypeAdapter.json_schemas(adapters, ref_template="#/$defs/{model}")  # type: ignore[arg-type]  # any key will do
    refs = {name: found[name, "validation"] for name, _ in forms}
    chosen = [
        {
            "if": {"properties": {"kind": {"const": str(kind)}}, "required": ["kind"]},
            "then": refs[form.__name__],
        }
        for kind, form in FORMS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:vendor:audit-event:{SCHEMA}",
        "title": f"An event of the audit log of Vendor, version {SCHEMA}",
        "type": "object",
        "required": ["schema", "kind"],
        "properties": {"kind": {"enum": [str(kind) for kind in FORMS]}},
        "allOf": chosen,
        "$defs": {name: _open(one) for name, one in defined["$defs"].items()},
    }


def _open(definition: dict[str, Any]) -> dict[str, Any]:
    """Let consumers take members that are added later; what the gateway itself writes is held to the strict form."""
    return {name: said for name, said in definition.items() if name != "additionalProperties" or said is not False}


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


@lru_cache(maxsize=len(FORMS))
def form_of(kind: Kind) -> TypeAdapter[Any]:
    """Return what checks an event of a kind; faster than the schema, and of the same mind."""
    return TypeAdapter(FORMS[kind])


if __name__ == "__main__":
    sys.stdout.write(schema_text())
