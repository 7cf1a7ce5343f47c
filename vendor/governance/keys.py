"""Names of the keys in Redis.

All governance keys share one hash tag, so that on a cluster they lie in one slot and every change is one atomic step
together with its audit event.  Leases carry no tag and spread over all slots.  Names in the keys are checked names,
which hold no colon and no brace.
"""

from dataclasses import dataclass

from vendor.names import TenantName, UserName


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one `prefix`, for several gateways' states in one Redis."""

    prefix: str = "vendor"

    @property
    def root(self) -> str:
        """The tag that all governance keys begin with; the Lua scripts build their keys from it."""
        return f"{{{self.prefix}}}"

    @property
    def revision(self) -> str:
        """Counter of governance changes."""
        return f"{self.root}:rev"

    @property
    def users(self) -> str:
        """Lexical index of user names."""
        return f"{self.root}:users"

    @property
    def tenants(self) -> str:
        """Lexical index of tenant names."""
        return f"{self.root}:tenants"

    @property
    def everyone(self) -> str:
        """Hash share id → entry: shares with everyone."""
        return f"{self.root}:everyone:shares"

    def user(self, name: UserName) -> str:
        """Hash: what is known of a user."""
        return f"{self.root}:user:{name}"

    def memberships(self, name: UserName) -> str:
        """Hash tenant → access."""
        return f"{self.root}:user:{name}:tenants"

    def shares_with_user(self, name: UserName) -> str:
        """Hash share id → entry."""
        return f"{self.root}:user:{name}:shares"

    def shares_by_user(self, name: UserName) -> str:
        """Lexical index of the shares of paths in this user's home."""
        return f"{self.root}:user:{name}:shared"

    def tenant(self, name: TenantName) -> str:
        """Hash: a tenant's metadata."""
        return f"{self.root}:tenant:{name}"

    def members(self, name: TenantName) -> str:
        """Hash user → access."""
        return f"{self.root}:tenant:{name}:members"

    def stewards(self, name: TenantName) -> str:
        """Hash user → when and by whom, as JSON."""
        return f"{self.root}:tenant:{name}:stewards"

    def shares_with_tenant(self, name: TenantName) -> str:
        """Hash share id → entry."""
        return f"{self.root}:tenant:{name}:shares"

    def shares_by_tenant(self, name: TenantName) -> str:
        """Lexical index of the shares of this tenant's own paths."""
        return f"{self.root}:tenant:{name}:shared"

    def share(self, share_id: str) -> str:
        """Hash: one share."""
        return f"{self.root}:share:{share_id}"
