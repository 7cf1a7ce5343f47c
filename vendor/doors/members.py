"""`/v1/tenants/{tenant}/members` and `…/stewards`: who is in a tenant, and who looks after it."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.parse import ForceQuery, if_match, tenant_in_path, user_in_path
from vendor.doors.tenants import CHANGING, SHOWN, TENANT, answer
from vendor.errors import LastSteward, UnknownUser
from vendor.policy.grant import Access


class MemberBody(Body):
    """A member's access."""

    access: shapes.Membership


class StewardBody(Body):
    """Nothing is said of a steward."""


async def put_member(request: Request) -> Response:
    """Add a member, or change their access."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    access = Access((await read(request, MemberBody)).access)
    return answer(await gateway(request).members.set(who, name, user, access, revision=if_match(request)))


async def delete_member(request: Request) -> Response:
    """Remove a member."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    await gateway(request).members.remove(who, name, user, revision=if_match(request))
    return Response(status_code=204)


async def put_steward(request: Request) -> Response:
    """Name a steward."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    await read(request, StewardBody)
    return answer(await gateway(request).members.add_steward(who, name, user, revision=if_match(request)))


async def delete_steward(request: Request) -> Response:
    """Take a steward's office away; the last one's only with `?force=true`."""
    who, name, user = await caller(request), tenant_in_path(request), user_in_path(request)
    force = read_query(request, ForceQuery).force
    revision = if_match(request)
    await gateway(request).members.remove_steward(who, name, user, force=force, revision=revision)
    return Response(status_code=204)


_MEMBER: Final = f"{TENANT}/members/{{user}}"
_STEWARD: Final = f"{TENANT}/stewards/{{user}}"
_BOB: Final = {"tenant": "kbase", "user": "bob"}
_REFUSES: Final = (*CHANGING, UnknownUser)
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "putMember",
        "PUT",
        _MEMBER,
        put_member,
        {200: SHOWN},
        body=MemberBody,
        if_match=True,
        refuses=_REFUSES,
        example=Example(path=_BOB, body={"access": "read_only"}),
    ),
    Operation(
        "deleteMember",
        "DELETE",
        _MEMBER,
        delete_member,
        {204: Reply()},
        if_match=True,
        refuses=_REFUSES,
    ),
    Operation(
        "putSteward",
        "PUT",
        _STEWARD,
        put_steward,
        {200: SHOWN},
        body=StewardBody,
        if_match=True,
        refuses=_REFUSES,
        example=Example("carol", path=_BOB, body={}),
    ),
    Operation(
        "deleteSteward",
        "DELETE",
        _STEWARD,
        delete_steward,
        {204: Reply()},
        query=ForceQuery,
        if_match=True,
        refuses=(*_REFUSES, LastSteward),
        example=Example("carol", path=_BOB),
    ),
]
