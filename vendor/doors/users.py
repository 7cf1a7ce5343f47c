"""`/v1/users`: who is known here."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Link, Operation, Reply
from vendor.doors.parse import ForceQuery, Page, etag, if_match, user_in_path
from vendor.doors.render import JSON
from vendor.doors.tenants import Line
from vendor.errors import AlreadyExists, Conflict, InvalidRequest, LastSteward, UnknownUser
from vendor.governance.records import User

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")]


class UserBody(Body):
    """What is known of a user before their first sign-in."""

    display_name: Line | None = None
    email: Email | None = None


class UserPatch(UserBody):
    """What is to be changed of a user; null clears a text."""

    disabled: bool | None = None


class UserShown(TypedDict):
    """What is known of a user."""

    name: str
    display_name: str | None
    email: str | None
    disabled: bool
    first_seen: shapes.Time
    revision: shapes.Revision


class UserDetail(UserShown):
    """A user, and where they belong."""

    tenants: dict[str, shapes.Membership]
    steward_of: list[str]


class UserPage(TypedDict):
    """A page of users, in the order of their names."""

    users: list[UserShown]
    cursor: shapes.NextCursor


async def list_users(request: Request) -> Response:
    """List users."""
    who = await caller(request)
    page = read_query(request, Page)
    revision, users = await gateway(request).users.listed(who, page.after(), page.limit)
    following = page.following([user.name for user in users])
    answer: UserPage = {"users": [_shown(user) for user in users], "cursor": following}
    return JSON(answer, headers=etag(revision))


async def get_user(request: Request) -> Response:
    """Show a user, and where they belong, to themself and to administrators."""
    who, name = await caller(request), user_in_path(request)
    user = await gateway(request).users.view(who, name)
    where = await gateway(request).users.belonging(who, name)
    answer: UserDetail = {
        **_shown(user),
        "tenants": {tenant: access.value for tenant, access in where.memberships.items()},
        "steward_of": list(where.stewardships),
    }
    return JSON(answer, headers=etag(user.revision))


async def put_user(request: Request) -> Response:
    """Make a user known before their first sign-in: 201."""
    who, name = await caller(request), user_in_path(request)
    body = await read(request, UserBody)
    return _answer(await gateway(request).users.create(who, name, body.display_name, body.email), 201)


async def patch_user(request: Request) -> Response:
    """Replace the members that are sent."""
    who, name = await caller(request), user_in_path(request)
    body = await read(request, UserPatch)
    said = body.model_dump(include=body.model_fields_set)
    if "disabled" in said and said["disabled"] is None:
        raise InvalidRequest("disabled: neither true nor false.")
    return _answer(await gateway(request).users.patch(who, name, said, revision=if_match(request)))


async def delete_user(request: Request) -> Response:
    """Delete a user with memberships, offices and shares; the last steward of a tenant only with `?force=true`."""
    who, name = await caller(request), user_in_path(request)
    force = read_query(request, ForceQuery).force
    await gateway(request).removal.of_user(who, name, force=force, revision=if_match(request))
    return Response(status_code=204)


def _answer(user: User, status: int = 200) -> JSON:
    return JSON(_shown(user), status, etag(user.revision))


def _shown(user: User) -> UserShown:
    return {
        "name": user.name,
        "display_name": user.display_name,
        "email": user.email,
        "disabled": user.disabled,
        "first_seen": user.first_seen,
        "revision": user.revision,
    }


_USER: Final = "/v1/users/{user}"
_SHOWN: Final = Reply(UserShown, headers=("ETag",))
_MADE: Final = Reply(
    UserShown, headers=("ETag",), links=(Link("getUser", {"user": "/name"}), Link("deleteUser", {"user": "/name"}))
)
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "listUsers",
        "GET",
        "/v1/users",
        list_users,
        {200: Reply(UserPage, headers=("ETag",))},
        query=Page,
        example=Example("carol", query={"limit": "50"}),
    ),
    Operation(
        "getUser",
        "GET",
        _USER,
        get_user,
        {200: Reply(UserDetail, headers=("ETag",))},
        refuses=(UnknownUser,),
        example=Example("bob", path={"user": "bob"}),
    ),
    Operation(
        "putUser",
        "PUT",
        _USER,
        put_user,
        {201: _MADE},
        body=UserBody,
        refuses=(AlreadyExists, Conflict),
        example=Example("carol", path={"user": "erin"}, body={"display_name": "Erin", "email": "erin@example.org"}),
    ),
    Operation(
        "patchUser",
        "PATCH",
        _USER,
        patch_user,
        {200: _SHOWN},
        body=UserPatch,
        if_match=True,
        refuses=(UnknownUser, Conflict),
        example=Example("carol", path={"user": "erin"}, body={"disabled": True}),
    ),
    Operation(
        "deleteUser",
        "DELETE",
        _USER,
        delete_user,
        {204: Reply()},
        query=ForceQuery,
        if_match=True,
        refuses=(UnknownUser, LastSteward, Conflict),
        example=Example("carol", path={"user": "erin"}),
    ),
]
