"""`/workspaces/me`: what the caller has, and where."""

from typing import Annotated, Final

from pydantic import Field

from vendor.doors.mms import models, places
from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.operation import Call, Register
from vendor.doors.mms.reading import read_query
from vendor.doors.mms.users import groups_of, user_model
from vendor.errors import InvalidName, UnknownTenant
from vendor.policy.grant import Access
from vendor.stewardship.halves import Half


class NamespaceQuery(models.Lenient):
    """The query of `namespace-prefix`."""

    tenant: Annotated[str, Field(min_length=1)] | None = None


async def me(call: Call) -> models.UserModel:
    """Show everything about the caller."""
    rights = await call.gateway.mms.rights.mine(call.who)
    return user_model(rights, call.gateway.layout, call.gateway.mms.access)


async def groups(call: Call) -> models.UserGroupsResponse:
    """List the halves of tenants that the caller belongs to."""
    standing = await call.gateway.users.standing(call.who)
    names = groups_of(standing.tenants)
    return models.UserGroupsResponse(username=call.name, groups=names, group_count=len(names))


async def policies(call: Call) -> models.UserPoliciesResponse:
    """Show what a lease could carry, by where it comes from."""
    user = await me(call)
    home, system = user.user_policies
    return models.UserPoliciesResponse(
        username=user.username,
        user_home_policy=home,
        user_system_policy=system,
        group_policies=user.group_policies,
        total_policies=user.total_policies,
    )


async def accessible_paths(call: Call) -> models.UserAccessiblePathsResponse:
    """List every folder that the caller reaches."""
    paths = places.reachable((await call.gateway.mms.rights.mine(call.who)).everything)
    return models.UserAccessiblePathsResponse(username=call.name, accessible_paths=paths, total_paths=len(paths))


async def sql_warehouse(call: Call) -> models.UserSqlWarehousePrefixResponse:
    """Say where the caller's databases lie."""
    prefix = places.folder_of(call.gateway.layout.homes, places.SQL, call.name)
    return models.UserSqlWarehousePrefixResponse(username=call.name, sql_warehouse_prefix=prefix)


async def namespace_prefix(call: Call) -> models.NamespacePrefixResponse:
    """Say what the names of the caller's databases begin with, and those of a tenant of theirs."""
    tenant = read_query(call.request, NamespaceQuery).tenant
    answer = models.NamespacePrefixResponse(
        username=call.name, user_namespace_prefix=places.user_namespace(call.who.name), tenant=tenant
    )
    if tenant is None:
        return answer
    try:
        half = await call.gateway.mms.halves.find(call.who, tenant)
    except (InvalidName, UnknownTenant):
        raise ServiceError(404, 20041, f"Group {tenant[:64]} not found") from None
    await _access(call, half)
    return answer.model_copy(update={"tenant_namespace_prefix": places.tenant_namespace(half.tenant)})


async def group(call: Call) -> models.GroupWorkspaceResponse:
    """Show a tenant of the caller's: who reads and writes there, and where."""
    half = await call.gateway.mms.halves.find(call.who, call.path("group_name"))
    access = await _access(call, half)
    view = await call.gateway.tenants.view(call.who, half.tenant)
    members = sorted(user for user, theirs in view.members.items() if theirs is Access.READ_WRITE)
    grants = await call.gateway.mms.rights.of_tenant(call.who, half.tenant, access)
    return models.GroupWorkspaceResponse(
        group_name=half.tenant, members=members, member_count=len(members), accessible_paths=places.reachable(grants)
    )


async def group_sql_warehouse(call: Call) -> models.GroupSqlWarehousePrefixResponse:
    """Say where a tenant's databases lie."""
    half = await call.gateway.mms.halves.find(call.who, call.path("group_name"))
    await _access(call, half)
    prefix = places.folder_of(call.gateway.layout.tenants, places.SQL, half.tenant)
    return models.GroupSqlWarehousePrefixResponse(group_name=half.tenant, sql_warehouse_prefix=prefix)


async def _access(call: Call, half: Half) -> Access:
    standing = await call.gateway.users.standing(call.who)
    access = standing.tenants.get(half.tenant)
    if access is None:
        raise ServiceError(403, 20042, f"User {call.name} is not a member of group {half.tenant}")
    return access


_on = Register(Area.WORKSPACES)
_ME: Final = "/workspaces/me"
_GROUP: Final = f"{_ME}/groups/{{group_name}}"
OPERATIONS: Final = [
    _on("GET", _ME, me, {200: models.UserModel}),
    _on("GET", f"{_ME}/groups", groups, {200: models.UserGroupsResponse}),
    _on("GET", f"{_ME}/policies", policies, {200: models.UserPoliciesResponse}),
    _on("GET", f"{_ME}/accessible-paths", accessible_paths, {200: models.UserAccessiblePathsResponse}),
    _on("GET", f"{_ME}/sql-warehouse-prefix", sql_warehouse, {200: models.UserSqlWarehousePrefixResponse}),
    _on(
        "GET", f"{_ME}/namespace-prefix", namespace_prefix, {200: models.NamespacePrefixResponse}, query=NamespaceQuery
    ),
    _on("GET", _GROUP, group, {200: models.GroupWorkspaceResponse}),
    _on("GET", f"{_GROUP}/sql-warehouse-prefix", group_sql_warehouse, {200: models.GroupSqlWarehousePrefixResponse}),
]
