"""The form of every event, by its kind, and the JSON Schema that is made of it.

Consumers may rely on it: within one version members are only added, never taken away or given another meaning.  An
event that says something its kind does not have fails a test, so the schema and the code cannot drift apart.
"""

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from vendor.audit.event import SCHEMA, Kind

_STRICT: Final = ConfigDict(extra="forbid", strict=True)
_Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_Level = Literal["read", "write"]
_Membership = Literal["read_only", "read_write"]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ActorShown(TypedDict):
    """Who did it, as this gateway and as the identity provider call them.  Empty names stand for the gateway itself."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # pydantic reads its settings here
    name: str
    issuer: str
    subject: str
    admin: bool


class ActingShown(TypedDict):
    """Who acts for the actor, by a token exchange."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    name: str | None
    issuer: str
    subject: str


class ClientShown(TypedDict):
    """Where a request came from; what the client says of itself is not verified."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    address: str | None
    user_agent: str | None
    session: NotRequired[str]


class Common(TypedDict):
    """What every event has.  `ms` is how long it took from its opening to being recorded."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    schema: Literal[1]
    event_id: Annotated[str, Field(pattern="^e_[0-9a-f]{32}$", description="A UUIDv7; says when an event came twice.")]
    time: _Time
    ms: Annotated[float, Field(ge=0)]
    kind: Kind
    decision: Literal["allowed", "denied", "failed"]
    reason: NotRequired[Annotated[str, Field(description="The error code of a refusal or failure.")]]
    request_id: str
    trace_id: NotRequired[Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="Of the W3C traceparent.")]]
    door: str
    client: ClientShown
    actor: ActorShown
    act: NotRequired[ActingShown]
    break_glass: NotRequired[Literal[True]]


class ScopeEntry(TypedDict):
    """One path, and what is to be done with it."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    path: str
    access: _Level


class GrantedEntry(ScopeEntry):
    """One path of a lease, and because of what."""

    source: Annotated[str, Field(description="home, tenant:<name>, share:<id> or system")]


class Whole(TypedDict):
    """What a list that is cut off would be: how many entries, and the SHA-256 of its canonical JSON."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    entries: int
    sha256: _Hash


class Asked(TypedDict):
    """What was asked for.  No scope means everything."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    scope: list[ScopeEntry] | None
    scope_whole: NotRequired[Whole]
    duration: int | None
    renewable_for: int | None
    partial: bool
    policy_sha256: NotRequired[_Hash]
    at_most: NotRequired[_Level]


class PolicyShown(TypedDict):
    """The policy behind the keys."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]  # as above
    bytes: int
    sha256: _Hash
    form: Literal["session", "ceiling", "session+ceiling"]


class Wanted(Common):
    """An ask for keys."""

    store: str
    asked: Asked
    audit_context: dict[str, str]


class Issued(Wanted):
    """Keys that were given.  `access_key_id` is what the store's own log calls them."""

    lease: str
    renewals: int
    access_key_id: str
    granted: list[GrantedEntry]
    granted_whole: NotRequired[Whole]
    not_granted: list[ScopeEntry]
    not_granted_whole: NotRequired[Whole]
    policy: PolicyShown
    ceiling: list[str]
    issued_at: _Time
    expires_at: _Time
    renewable_until: _Time | None
    governance_revision: int


class Denied(Common, total=False):
    """No keys were given; what is known of the ask, and of the keys that were thrown away if any had been made."""

    store: str
    asked: Asked
    audit_context: dict[str, str]
    lease: str
    renewals: int
    access_key_id: str
    granted: list[GrantedEntry]
    granted_whole: Whole
    not_granted: list[ScopeEntry]
    not_granted_whole: Whole
    policy: PolicyShown
    ceiling: list[str]
    issued_at: _Time
    expires_at: _Time
    renewable_until: _Time | None
    governance_revision: int
    limit: Annotated[str, Field(description="Which limit was reached.")]
    refusals: Annotated[int, Field(description="How many refusals this event stands for.")]


class LeaseRevoked(Common):
    """A lease was ended before its time: when its keys stop working, and what makes them."""

    lease: str
    holder: str
    revoked: Literal[True]
    effective: Literal["now", "at_expiry"]
    at_latest: _Time
    how: str
    because: NotRequired[str]


class Observed(Common):
    """What a trust rule in audit mode would have done."""

    trusted_by: str
    rule: str | None
    would_admit: bool
    would_refuse_for: str | None


class Rejected(Common):
    """Requests that nobody could be found behind; one event for all of the same reason within some seconds."""

    count: Annotated[int, Field(ge=1)]
    since: _Time


class AboutUser(Common):
    """Something about a user."""

    user: str


class UserCreated(AboutUser):
    """A user became known."""

    display_name: str | None
    email: str | None


class UserChanged(AboutUser):
    """What is known of a user, or whether they are disabled, changed."""

    changed: dict[str, str | bool | None]
    because: NotRequired[str]
    as_admin: NotRequired[bool]


class UserDeleted(AboutUser):
    """A user was deleted, after `pieces` memberships, offices and shares."""

    forced: bool
    pieces: int
    as_admin: bool


class TenantSaid(Common):
    """A tenant was made or changed; `metadata` is what is new."""

    tenant: str
    metadata: dict[str, str | None]
    as_admin: bool


class TenantDeleted(Common):
    """A tenant was deleted, after `pieces` memberships, offices and shares."""

    tenant: str
    pieces: int
    as_admin: bool


class MemberSet(AboutUser):
    """Somebody became a member, or one of another kind."""

    tenant: str
    access: _Membership
    before: _Membership | None
    as_admin: NotRequired[bool]
    because: NotRequired[str]


class MemberRemoved(AboutUser):
    """Somebody is no member any more."""

    tenant: str
    before: _Membership | None
    as_admin: bool
    because: NotRequired[str]


class StewardAdded(AboutUser):
    """Somebody became a steward."""

    tenant: str
    as_admin: bool


class StewardRemoved(StewardAdded):
    """Somebody is no steward any more."""

    forced: bool
    because: NotRequired[str]


class ShareCreated(Common):
    """A path was shared; `shares` are the targets by the id of the share."""

    path: str
    owner: str
    access: _Level
    expires_at: _Time | None
    shares: dict[str, str]
    as_admin: bool


class ShareRemoved(Common):
    """A share was taken back."""

    share: str
    path: str
    owner: str
    target: str
    as_admin: bool
    because: NotRequired[str]


class PurgeBegun(Common):
    """An administrator has the objects of a user or tenant deleted, with keys of their own."""

    store: str
    paths: list[str]
    lease: str
    access_key_id: str
    as_admin: bool


class Purged(Common):
    """How that ended."""

    store: str
    paths: list[str]
    lease: str
    removed: int
    complete: bool
    as_admin: bool


class StateExported(Common):
    """The whole state of governance was copied."""

    state_revision: int
    digest: str
    counts: dict[str, int]


class StateImported(Common):
    """Another state took the place of the whole."""

    digest: str
    counts: dict[str, int]
    replaced_revision: int
    as_admin: bool


class AuditExported(Common):
    """The audit log was exported, all of it or since a moment."""

    since: str | None


class AuditReviewed(Common):
    """A tenant's access was reviewed."""

    tenant: str
    since: str


class AuditTrimmed(Common):
    """Old events were taken out of Redis, through a cursor and its checkpoint."""

    through: str
    checkpoint: int
    events: int


class StoreProbed(Common):
    """A store was found to be in another state than before."""

    store: str
    state: str
    found: str


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
