"""Events about keys: asked for, given or not, ended before their time, and taken to delete what somebody left."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from vendor.audit.forms.common import STRICT, Common, Hash, Level, Time


class ScopeEntry(TypedDict):
    """One path, and what is to be done with it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads its settings here
    path: str
    access: Level


class GrantedEntry(ScopeEntry):
    """One path of a lease, and because of what."""

    source: Annotated[str, Field(description="home, tenant:<name>, share:<id> or system")]


class Whole(TypedDict):
    """What a list that is cut off would be: how many entries, and the SHA-256 of its canonical JSON."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    entries: int
    sha256: Hash


class Asked(TypedDict):
    """What was asked for.  No scope means everything."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    scope: list[ScopeEntry] | None
    scope_whole: NotRequired[Whole]
    duration: int | None
    renewable_for: int | None
    partial: bool
    policy_sha256: NotRequired[Hash]
    at_most: NotRequired[Level]


class PolicyShown(TypedDict):
    """The policy behind the keys."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    bytes: int
    sha256: Hash
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
    issued_at: Time
    expires_at: Time
    renewable_until: Time | None
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
    issued_at: Time
    expires_at: Time
    renewable_until: Time | None
    governance_revision: int
    limit: Annotated[str, Field(description="Which limit was reached.")]
    refusals: Annotated[int, Field(description="How many refusals this event stands for.")]


class LeaseRevoked(Common):
    """A lease was ended before its time: when its keys stop working, and what makes them."""

    lease: str
    holder: str
    revoked: Literal[True]
    effective: Literal["now", "at_expiry"]
    at_latest: Time
    how: str
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
