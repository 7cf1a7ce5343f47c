"""`/v1/users`: who is known here."""

from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.parse import cursor, etag, flag, if_match, one_of_query, page, user_in_path
from vendor.doors.render import JSON
from vendor.doors.tenants import Line
from vendor.errors import InvalidRequest
from vendor.governance.records import User

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")]


class UserBody(Body):
    """What is known of a user before their first sign-in."""

    display_name: Line | None = None
    email: Email | None = None


class UserPatch(UserBody):
    """What is to be changed of a user; null clears a text."""

    disabled: bool | None = None


async def list_users(request: Request) -> Response:
    """List users."""
    who = await caller(request)
    after, limit = page(one_of_query(request, "limit", "cursor"))
    revision, users = await gateway(request).users.listed(who, after, limit)
    following = users[-1].name if len(users) == limit else None
    return JSON({"users": [_shown(user) for user in users], "cursor": cursor(following)}, headers=etag(revision))


async def get_user(request: Request) -> Response:
    """Show a user, and where they belong, to themself and to administrators."""
    who, name = await caller(request), user_in_path(request)
    user = await gateway(request).users.view(who, name)
    where = await gateway(request).users.belonging(who, name)
    belonging = {
        "tenants": {tenant: str(access) for tenant, access in where.memberships.items()},
        "steward_of": list(where.stewardships),
    }
    return JSON(_shown(user) | belonging, headers=etag(user.revision))


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
    force = flag(one_of_query(request, "force"), "force")
    await gateway(request).removal.of_user(who, name, force=force, revision=if_match(request))
    return Response(status_code=204)


def _answer(user: User, status: int = 200) -> JSON:
    return JSON(_shown(user), status, etag(user.revision))


def _shown(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "display_name": user.display_name,
        "email": user.email,
        "disabled": user.disabled,
        "first_seen": user.first_seen,
        "revision": user.revision,
    }


ROUTES: Final = [
    Route("/v1/users", list_users),
    Route("/v1/users/{user}", get_user),
    Route("/v1/users/{user}", put_user, methods=["PUT"]),
    Route("/v1/users/{user}", patch_user, methods=["PATCH"]),
    Route("/v1/users/{user}", delete_user, methods=["DELETE"]),
]
