"""What was made of a source: users, tenants, and shares in our own terms, every name and path parsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vendor.governance.records import Target
from vendor.names import S3Path, TenantName, UserName
from vendor.policy.grant import Access, Level


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user; times are RFC 3339, empty where nobody wrote one down."""

    display_name: str = ""
    email: str = ""
    first_seen: str = ""


@dataclass(slots=True)
class FoundTenant:
    """A tenant: its metadata as MMS has it, and its people.  `stewards` is user → (assigned by, assigned at)."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    members: dict[UserName, Access] = field(default_factory=dict)
    stewards: dict[UserName, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundShare:
    """A share: whose path it is, with whom, and at what level."""

    path: S3Path
    owner: Target
    target: Target
    level: Level


@dataclass(slots=True)
class Recovered:
    """The whole state, before it is written."""

    users: dict[UserName, FoundUser] = field(default_factory=dict)
    tenants: dict[TenantName, FoundTenant] = field(default_factory=dict)
    shares: dict[tuple[str, Target], FoundShare] = field(default_factory=dict)
