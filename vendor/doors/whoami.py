"""`/v1/whoami` and `/v1/layout`: what the gateway makes of the caller, and where things are."""

from collections.abc import Sequence
from typing import Final, Literal, cast

from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.render import JSON
from vendor.times import rfc3339


class WhoAmI(TypedDict):
    """What the gateway makes of a token."""

    principal: str
    kind: Literal["user", "workload"]
    issuer: str
    subject: str
    roles: list[str]
    groups: list[str]
    admin: bool
    disabled: bool
    tenants: dict[str, shapes.Membership]
    token_expires_at: shapes.Time


class TemplateShown(TypedDict):
    """A folder for each name."""

    bucket: str
    path: str
    access: shapes.Level


class LayoutShown(TypedDict):
    """Where homes, tenants and system folders are, by kind of folder."""

    bucket: str
    homes: dict[str, TemplateShown]
    tenants: dict[str, TemplateShown]
    system: dict[str, TemplateShown]


async def whoami(request: Request) -> Response:
    """Say who the token stands for, and what that principal belongs to."""
    who = await caller(request)
    standing = await gateway(request).users.standing(who)
    me = who.principal
    answer: WhoAmI = {
        "principal": me.name,
        "kind": me.kind.value,
        "issuer": me.issuer,
        "subject": me.subject,
        "roles": sorted(me.roles),
        "groups": sorted(me.groups),
        "admin": me.admin,
        "disabled": standing.user is not None and standing.user.disabled,
        "tenants": {tenant: access.value for tenant, access in sorted(standing.tenants.items())},
        "token_expires_at": rfc3339(me.expires_at),
    }
    return JSON(answer)


async def layout(request: Request) -> Response:
    """Show the bucket and the prefix templates in force."""
    await caller(request)
    answer = cast("LayoutShown", gateway(request).layout.describe())
    return JSON(answer)


OPERATIONS: Final[Sequence[Operation]] = [
    Operation("whoAmI", "GET", "/v1/whoami", whoami, {200: Reply(WhoAmI)}, example=Example()),
    Operation("getLayout", "GET", "/v1/layout", layout, {200: Reply(LayoutShown)}, example=Example()),
]
