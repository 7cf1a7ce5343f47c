"""`/management/groups`: tenants as two groups each, `kbase` who read and write and `kbasero` who read."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from vendor.doors.mms import models, places
from vendor.doors.mms.deletion import DeleteQuery, deleted
from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.operation import Call, Register
from vendor.doors.mms.reading import read_query
from vendor.errors import InvalidName, StaleRevision, UnknownTenant
from vendor.names import parse_tenant_name, parse_user_name
from vendor.policy.grant import Access
from vendor.stewardship.halves import Half
from vendor.stewardship.tenant import TenantView
from vendor.stewardship.tenants import Metadata

HALVES: Final = (Access.READ_WRITE, Access.READ_ONLY)


async def listed(call: Call) -> models.GroupListResponse:
    """List all groups with their members."""
    groups = [
        _entry(Half(tenant, access), members)
        async for tenant, members in call.gateway.mms.directory.members(call.who)
        for access in HALVES
    ]
    return models.GroupListResponse(groups=groups, total_count=len(groups))


async def names(call: Call) -> models.GroupNamesResponse:
    """List the names of all groups."""
    tenants = await call.gateway.mms.directory.names(call.who)
    found = sorted(Half(tenant, access).name for tenant in tenants for access in HALVES)
    return models.GroupNamesResponse(group_names=found, total_count=len(found))


async def create(call: Call) -> models.GroupManagementResponse:
    """Create a tenant with the caller as its first member.  One that exists stays as it is."""
    name = parse_tenant_name(call.path("group_name"))
    try:
        await call.gateway.tenants.put(call.who, name, Metadata(), revision=0)
        view = await call.gateway.members.set(call.who, name, call.who.name, Access.READ_WRITE, revision=None)
    except StaleRevision:
        view = await call.gateway.tenants.view(call.who, name)
    return _managed(call, Half(name, Access.READ_WRITE), view, "create")


async def delete(call: Call) -> models.ResourceDeleteResponse:
    """Delete a tenant, and its objects only if that is asked for.

    Asking for it again goes on with objects that are left, although the tenant is gone.
    """
    query = read_query(call.request, DeleteQuery)
    name = parse_tenant_name(call.path("group_name"))
    missing = ServiceError(400, 20040, f"Failed to delete group {name}")
    known = True
    try:
        half = await call.gateway.mms.halves.find(call.who, name)
        if half.access is Access.READ_ONLY:
            raise ServiceError(400, 20040, f"{name} is the read-only half of {half.tenant} and goes only with it")
        await call.gateway.removal.of_tenant(call.who, name, revision=None)
    except UnknownTenant:
        known = False
    purge = partial(call.gateway.mms.purging.of_tenant, call.who, name) if query.purge_data else None
    return await deleted("group", name, missing, known=known, purge=purge)


async def add_member(call: Call) -> models.GroupManagementResponse:
    """Make a user a member of a group.  Joining the read-only one takes nothing from those who also write."""
    half, user = await _half(call), parse_user_name(call.path("username"))
    return _managed(call, half, await call.gateway.mms.halves.join(call.who, half, user), "add_member")


async def remove_member(call: Call) -> models.GroupManagementResponse:
    """End a membership; who is not in this group is none of its members already."""
    half, user = await _half(call), parse_user_name(call.path("username"))
    return _managed(call, half, await call.gateway.mms.halves.leave(call.who, half, user), "remove_member")


async def _half(call: Call) -> Half:
    text = call.path("group_name")
    try:
        return await call.gateway.mms.halves.find(call.who, text)
    except (InvalidName, UnknownTenant):
        raise ServiceError(404, 20041, f"Group {text[:64]} not found") from None


def _managed(call: Call, half: Half, view: TenantView, operation: str) -> models.GroupManagementResponse:
    entry = _entry(half, view.members)
    return models.GroupManagementResponse(
        group_name=entry.group_name,
        ro_group_name=Half(half.tenant, Access.READ_ONLY).name if operation == "create" else None,
        policy_name=entry.policy_name,
        members=entry.members,
        member_count=entry.member_count,
        operation=operation,
        performed_by=call.name,
        timestamp=call.now(),
    )


def _entry(half: Half, members: Mapping[str, Access]) -> models.GroupEntry:
    inside = sorted(user for user, access in members.items() if access is half.access)
    name = half.name
    return models.GroupEntry(
        group_name=name, members=inside, member_count=len(inside), policy_name=places.group_policy_name(name)
    )


_on = Register(Area.GROUPS)
_GROUP: Final = "/management/groups/{group_name}"
_MEMBER: Final = f"{_GROUP}/members/{{username}}"
_MANAGED: Final = models.GroupManagementResponse
OPERATIONS: Final = [
    _on("GET", "/management/groups", listed, {200: models.GroupListResponse}, admin=True),
    _on("GET", "/management/groups/names", names, {200: models.GroupNamesResponse}),
    _on("POST", _GROUP, create, {201: _MANAGED}, admin=True),
    _on("DELETE", _GROUP, delete, {200: models.ResourceDeleteResponse}, query=DeleteQuery, admin=True),
    _on("POST", _MEMBER, add_member, {200: _MANAGED}, admin=True),
    _on("DELETE", _MEMBER, remove_member, {200: _MANAGED}, admin=True),
]
