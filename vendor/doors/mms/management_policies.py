"""`/management/policies`: the documents that MMS kept, computed here from the present state at every look.

There is nothing to regenerate and nothing to lose: shares are in the state, not in a document.
"""

from typing import Final

from vendor.doors.mms import models, places
from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.management_groups import HALVES
from vendor.doors.mms.operation import Call, Register
from vendor.doors.mms.paging import PageQuery
from vendor.doors.mms.reading import read_query
from vendor.doors.mms.users import group_policy, user_model
from vendor.errors import InvalidName, UnknownTenant, UnknownUser
from vendor.names import UserName, parse_user_name
from vendor.stewardship.halves import Half
from vendor.stewardship.rights import TenantRights


async def listed(call: Call) -> models.PolicyListResponse:
    """List a page of documents: of users, two each, then of tenants, two each."""
    query = read_query(call.request, PageQuery)
    first, end = query.first, query.first + query.page_size
    users, page = await call.gateway.users.numbered(call.who, first // 2, -(-query.page_size // 2) + 1)
    seen = TenantRights()
    found: list[models.PolicyModel] = []
    for place, user in enumerate(page, first // 2):
        pair = await _of_user(call, user.name, seen)
        found += (pair[half] for half in (0, 1) if first <= 2 * place + half < end)
    tenants = await call.gateway.mms.directory.names(call.who)
    halves = [Half(tenant, access) for tenant in tenants for access in HALVES]
    for half in halves[max(0, first - 2 * users) : max(0, end - 2 * users)]:
        found.append(await _of_half(call, half))
    return models.PolicyListResponse(policies=found, **query.facts(2 * users + len(halves), len(found)))


async def rebuild(call: Call) -> models.ResourceDeleteResponse:
    """Compute one document anew: what deleting it and having it regenerated came to, with nothing lost on the way."""
    name = call.path("policy_name")
    try:
        await _named(call, name)
    except (InvalidName, UnknownTenant, UnknownUser):
        raise ServiceError(404, 20016, f"Policy {name[:128]} not found") from None
    message = f"Policy {name} is computed from the present state, and was"
    return models.ResourceDeleteResponse(resource_type="policy", resource_name=name, message=message)


async def regenerate(call: Call) -> models.RegeneratePoliciesResponse:
    """Say how many documents the present state comes to.  Nothing changes: they are never kept."""
    users, _ = await call.gateway.users.numbered(call.who, 0, 1)
    tenants = await call.gateway.mms.directory.names(call.who)
    return models.RegeneratePoliciesResponse(
        users_updated=users,
        groups_updated=len(HALVES) * len(tenants),
        errors=[],
        performed_by=call.name,
        timestamp=call.now(),
    )


async def _named(call: Call, name: str) -> models.PolicyModel:
    for place, lead in enumerate((places.home_policy_name(UserName("")), places.system_policy_name(UserName("")))):
        if name.startswith(lead):
            user = await call.gateway.users.view(call.who, parse_user_name(name.removeprefix(lead)))
            return (await _of_user(call, user.name, TenantRights()))[place]
    lead = places.group_policy_name("")
    if not name.startswith(lead):
        raise UnknownTenant("There is no such policy.")
    return await _of_half(call, await call.gateway.mms.halves.find(call.who, name.removeprefix(lead)))


async def _of_user(call: Call, user: UserName, seen: TenantRights) -> list[models.PolicyModel]:
    rights = await call.gateway.mms.rights.of_user(call.who, user, seen)
    return user_model(rights, call.gateway.layout, call.gateway.mms.access).user_policies


async def _of_half(call: Call, half: Half) -> models.PolicyModel:
    grants = await call.gateway.mms.rights.of_tenant(call.who, half.tenant, half.access)
    return group_policy(half, grants, call.gateway.mms.access)


_on = Register(Area.USERS)
_LISTED: Final = {200: models.PolicyListResponse}
_REBUILT: Final = {200: models.ResourceDeleteResponse}
_REGENERATED: Final = {200: models.RegeneratePoliciesResponse}
OPERATIONS: Final = [
    _on("GET", "/management/policies", listed, _LISTED, query=PageQuery, admin=True),
    _on("DELETE", "/management/policies/{policy_name}", rebuild, _REBUILT, admin=True),
    _on("POST", "/management/migrate/regenerate-policies", regenerate, _REGENERATED, admin=True),
]
