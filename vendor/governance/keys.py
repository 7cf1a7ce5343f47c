"""Names of the keys in Redis.

All governance keys share one root, a hash tag, so that on a cluster they lie in one slot and every change is one
atomic step together with its audit event.  Leases carry no tag and spread over all slots.

The names below are relative: the scripts put the root and the generation in front of them (`lua/base.lua`), so no
change can reach anything but governance.  Names of users and tenants in them are checked names, which hold no colon
and no brace.
"""

from dataclasses import dataclass
from typing import Final

from vendor.governance.records import Share, Target, TargetKind
from vendor.names import Bucket, Prefix, TenantName, UserName

USERS: Final = "users"
"""Lexical index of user names."""
TENANTS: Final = "tenants"
"""Lexical index of tenant names."""
SHARE: Final = "share:"
"""What the name of a share's hash begins with."""
REVISIONS: Final = "revisions"
"""Hash of revisions of what has no record of its own to carry one: see `given_by` and `given_to`."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names of one gateway's state; `prefix` tells several states in one Redis apart."""

    prefix: str = "vendor"

    @property
    def root(self) -> str:
        """The tag that all governance keys begin with."""
        return f"{{{self.prefix}}}"

    @property
    def revision(self) -> str:
        """The counter of all changes, as the scripts name it (`lua/base.lua`)."""
        return f"{self.root}:rev"


def user(name: UserName) -> str:
    """Hash: what is known of a user."""
    return f"user:{name}"


def memberships(name: UserName) -> str:
    """Hash tenant → access."""
    return f"user:{name}:tenants"


def stewardships(name: UserName) -> str:
    """Lexical index of the tenants whose steward a user is."""
    return f"user:{name}:stewards"


def tenant(name: TenantName) -> str:
    """Hash: a tenant's metadata."""
    return f"tenant:{name}"


def members(name: TenantName) -> str:
    """Hash user → access."""
    return f"tenant:{name}:members"


def stewards(name: TenantName) -> str:
    """Hash user → when and by whom, as JSON."""
    return f"tenant:{name}:stewards"


def share(share_id: str) -> str:
    """Hash: one share."""
    return SHARE + share_id


def shares_with(target: Target) -> str:
    """Hash share id → entry: everything shared with one target."""
    return f"{target}:shares"


def shares_by(owner: Target) -> str:
    """Lexical index of the shares of one owner's paths, in the order of the paths: `bucket/prefix`, tab, share id."""
    return f"{owner}:shared"


def place(one: Share) -> str:
    """The member of `shares_by` that stands for a share.  A tab is in no path, and sorts before all that is."""
    return f"{one.path.bucket}/{one.path.prefix}\t{one.id}"


def exactly_at(bucket: Bucket, prefix: Prefix) -> tuple[str, str]:
    """The range of `shares_by` with the shares of exactly one path."""
    return f"[{bucket}/{prefix}\t", f"({bucket}/{prefix}\n"


def below(bucket: Bucket, prefix: Prefix) -> tuple[str, str]:
    """The range of `shares_by` with the shares of what lies inside a path, the path itself left out."""
    return f"[{bucket}/{prefix}\n", f"({bucket}/{prefix.removesuffix('/')}0"  # '0' is what follows '/'


def given_by(owner: Target) -> str:
    """Field of `REVISIONS`: when the shares of this owner's paths last changed."""
    return f"by:{owner}"


def given_to(target: Target) -> str:
    """Field of `REVISIONS`: when the memberships or offices of, or the shares with, this target last changed."""
    return f"to:{target}"


def home_of(name: UserName) -> Target:
    """A user as an owner and as a target."""
    return Target(TargetKind.USER, name)
