"""`/management/users` and everybody's credentials, for administrators.

An administrator never sees keys of another user: where MMS answered with some, the answer says `<redacted>`.
"""

import contextlib
from functools import partial
from typing import Final

from vendor.doors.mms import models, places
from vendor.doors.mms.deletion import DeleteQuery, deleted
from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.operation import Call, Register
from vendor.doors.mms.paging import PageQuery
from vendor.doors.mms.reading import read_query
from vendor.doors.mms.users import groups_of, user_model
from vendor.errors import AlreadyExists, UnknownUser
from vendor.names import UserName, parse_user_name
from vendor.stewardship.rights import TenantRights

AT_ONCE: Final = 2000


async def names(call: Call) -> models.UserNamesResponse:
    """List the names of all users."""
    found: list[UserName] = []
    page = AT_ONCE
    while page == AT_ONCE:
        batch = await call.gateway.users.names(call.who, found[-1] if found else "", AT_ONCE)
        found += batch
        page = len(batch)
    return models.UserNamesResponse(usernames=[*found], total_count=len(found))


async def listed(call: Call) -> models.UserListResponse:
    """List a page of users with all they have."""
    query = read_query(call.request, PageQuery)
    total, page = await call.gateway.users.numbered(call.who, query.first, query.page_size)
    seen = TenantRights()
    users = [await _model(call, user.name, seen) for user in page]
    return models.UserListResponse(users=users, **query.facts(total, len(users)))


async def create(call: Call) -> models.UserManagementResponse:
    """Make a user known; one who is known already stays as they are, and keeps their keys."""
    user = parse_user_name(call.path("username"))
    with contextlib.suppress(AlreadyExists):
        await call.gateway.users.create(call.who, user, None, None)
    return await _managed(call, user, "create")


async def rotate(call: Call) -> models.UserManagementResponse:
    """Have a user given other keys at their next ask; one who is not known becomes known."""
    user = parse_user_name(call.path("username"))
    try:
        await call.gateway.mms.rotating.rotate(call.who, user)
    except UnknownUser:
        await create(call)
    return await _managed(call, user, "rotate")


async def rotate_all(call: Call) -> models.RotateAllCredentialsResponse:
    """Have everybody given other keys at their next ask."""
    count = await call.gateway.mms.rotating.rotate_all(call.who)
    return models.RotateAllCredentialsResponse(
        users_rotated=count, users_failed=0, errors=[], performed_by=call.name, timestamp=call.now()
    )


async def delete(call: Call) -> models.ResourceDeleteResponse:
    """Delete a user, and their objects only if that is asked for.

    Asking for it again goes on with objects that are left, although the user is gone.
    """
    query = read_query(call.request, DeleteQuery)
    user = parse_user_name(call.path("username"))
    missing = ServiceError(400, 20030, f"Failed to delete user {user}")
    known = True
    try:
        await call.gateway.removal.of_user(call.who, user, force=query.force, revision=None)
    except UnknownUser:
        known = False
    purge = partial(call.gateway.mms.purging.of_user, call.who, user) if query.purge_data else None
    return await deleted("user", user, missing, known=known, purge=purge)


async def _model(call: Call, user: UserName, seen: TenantRights) -> models.UserModel:
    rights = await call.gateway.mms.rights.of_user(call.who, user, seen)
    return user_model(rights, call.gateway.layout, call.gateway.mms.access)


async def _managed(call: Call, user: UserName, operation: str) -> models.UserManagementResponse:
    rights = await call.gateway.mms.rights.of_user(call.who, user, TenantRights())
    return models.UserManagementResponse(
        username=user,
        access_key=user,
        s3_access_key=user,
        home_paths=places.home_paths(call.gateway.layout, user),
        groups=groups_of({tenant: access for tenant, (access, _) in rights.tenants.items()}),
        total_policies=2 + len(rights.tenants),
        operation=operation,
        performed_by=call.name,
        timestamp=call.now(),
    )


_on = Register(Area.USERS)
_USER: Final = "/management/users/{username}"
_MANAGED: Final = models.UserManagementResponse
_ROTATED: Final = {200: models.RotateAllCredentialsResponse}
OPERATIONS: Final = [
    _on("GET", "/management/users/names", names, {200: models.UserNamesResponse}, admin=True),
    _on("GET", "/management/users", listed, {200: models.UserListResponse}, query=PageQuery, admin=True),
    _on("POST", _USER, create, {201: _MANAGED}, admin=True),
    _on("DELETE", _USER, delete, {200: models.ResourceDeleteResponse}, query=DeleteQuery, admin=True),
    _on("POST", f"{_USER}/rotate-credentials", rotate, {200: _MANAGED}, admin=True),
    _on("POST", "/management/credentials/rotate-all-credentials", rotate_all, _ROTATED, admin=True),
]
