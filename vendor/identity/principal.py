"""The authenticated caller."""

from dataclasses import dataclass, field
from enum import StrEnum

from vendor.names import TenantName, UserName
from vendor.policy.grant import Access, Ask
from vendor.secret import Proof


class PrincipalKind(StrEnum):
    """A person, or a program that acts under its own name."""

    USER = "user"
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True)
class ActsFor:
    """The tenant a workload acts for, and how.  It then has that tenant's grants at this level and no others."""

    tenant: TenantName
    access: Access


@dataclass(frozen=True, slots=True)
class Assurance:
    """How surely the identity provider knows who this is, as far as the token says; for the record."""

    level: str | None = None
    mfa: bool | None = None
    methods: tuple[str, ...] = ()
    principal_type: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class ActedBy:
    """Who acts for the principal (`act` of RFC 8693): its name here, and issuer and subject of its own token.

    What it is, and by which entry and rule of the trust file, is for looking again whether it still may.
    """

    name: UserName
    issuer: str
    subject: str
    kind: PrincipalKind = PrincipalKind.WORKLOAD
    trusted_by: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a verified token stands for, in the gateway's own terms.

    `issuer` is the identity provider (an OIDC issuer URL, or the KBase auth URL), `subject` its own name for the
    caller; both are for the record and never used for access.  `expires_at` is the end of the identity token in
    seconds since the epoch.  A lease may outlive it; nothing else may.

    What the trust rules add, and whoever resolves grants and plans leases has to keep to: `acts_for` replaces the
    caller's own memberships, `max_scope` (None for no limit, never empty) is cut with the grants, `max_lease_seconds`
    ends a lease and its renewals.  A `break_glass` login has to state a reason and is audited under its own kind.
    `trusted_by` and `rule` name the entry and the rule of the trust file that let it in.  `may_act_for` are the entries
    whose users it may act for, `acted_by` is who acts for it.  `proof` is of the token that was shown, where one was:
    what belongs to its holder can be sealed with it.
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
    acts_for: ActsFor | None = None
    max_scope: tuple[Ask, ...] | None = None
    break_glass: bool = False
    assurance: Assurance = Assurance()
    trusted_by: str | None = None
    rule: str | None = None
    proof: Proof | None = field(default=None, compare=False, repr=False)
    may_act_for: frozenset[str] = field(default_factory=frozenset)
    acted_by: ActedBy | None = None
