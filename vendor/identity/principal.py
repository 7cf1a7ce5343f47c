"""The authenticated caller."""

from dataclasses import dataclass, field
from enum import StrEnum

from vendor.names import UserName


class PrincipalKind(StrEnum):
    """A person, or a program that acts under its own name."""

    USER = "user"
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a verified token stands for, in the gateway's own terms.

    `issuer` is the identity provider (an OIDC issuer URL, or the KBase auth URL), `subject` its own name for the
    caller; both are for the record and never used for access.  `expires_at` is the end of the identity token in
    seconds since the epoch.  A lease may outlive it; nothing else may.
    """

    name: UserName
    kind: PrincipalKind
    issuer: str
    subject: str
    expires_at: float
    roles: frozenset[str] = field(default_factory=frozenset)
    groups: frozenset[str] = field(default_factory=frozenset)
    admin: bool = False
    has_home: bool = True
    max_lease_seconds: int | None = None
    display_name: str | None = None
    email: str | None = None
