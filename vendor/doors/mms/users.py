"""A user as MMS's answers show one."""

from collections.abc import Mapping, Sequence

from vendor.doors.mms import models, places
from vendor.names import TenantName
from vendor.policy.access import AccessTable
from vendor.policy.grant import Access, Grant
from vendor.policy.layout import Layout
from vendor.stewardship.halves import Half
from vendor.stewardship.rights import Rights


def groups_of(tenants: Mapping[TenantName, Access]) -> list[str]:
    """Return the names of the halves of tenants that somebody belongs to, in order."""
    return sorted(Half(tenant, access).name for tenant, access in tenants.items())


def user_model(rights: Rights, layout: Layout, table: AccessTable) -> models.UserModel:
    """Show a user with all policies; keys are never shown here."""
    user = rights.user
    own = [
        places.policy(places.home_policy_name(user), rights.home, table),
        places.policy(places.system_policy_name(user), rights.system, table),
    ]
    groups = groups_of({tenant: access for tenant, (access, _) in rights.tenants.items()})
    through = [group_policy(Half(tenant, access), grants, table) for tenant, (access, grants) in rights.tenants.items()]
    return models.UserModel(
        username=user,
        access_key=user,
        s3_access_key=user,
        home_paths=places.home_paths(layout, user) if rights.has_home else [],
        groups=groups,
        user_policies=own,
        group_policies=through,
        total_policies=len(own) + len(through),
        accessible_paths=places.reachable(rights.everything),
    )


def group_policy(half: Half, grants: Sequence[Grant], table: AccessTable) -> models.PolicyModel:
    """Show what the members of one half of a tenant have."""
    return places.policy(places.group_policy_name(half.name), grants, table)
