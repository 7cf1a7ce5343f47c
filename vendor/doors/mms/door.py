"""All operations of the MMS-compatible API, their routes, and its answers where there is no route."""

from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from vendor.doors.mms import (
    credentials,
    health,
    management_groups,
    management_policies,
    management_users,
    polaris,
    sharing,
    tenants,
    workspaces,
)
from vendor.doors.mms.operation import OpenOperation, Operation, routes
from vendor.doors.render import JSON

OPERATIONS: Final[Sequence[Operation | OpenOperation]] = [
    *health.OPERATIONS,
    *credentials.OPERATIONS,
    *polaris.OPERATIONS,
    *tenants.OPERATIONS,
    *sharing.OPERATIONS,
    *workspaces.OPERATIONS,
    *management_users.OPERATIONS,
    *management_groups.OPERATIONS,
    *management_policies.OPERATIONS,
]
ROUTES: Final[Sequence[BaseRoute]] = routes(OPERATIONS)
_FIRST_PARTS: Final = frozenset(operation.path.split("/")[1] for operation in OPERATIONS)


def owns(path: str) -> bool:
    """Say whether a path belongs to this API, whether there is a route for it or not."""
    return path.removeprefix("/").partition("/")[0] in _FIRST_PARTS


def no_route(problem: HTTPException) -> Response:
    """Answer like the framework behind MMS: 404 or 405 with a `detail`."""
    return JSON({"detail": problem.detail}, problem.status_code, problem.headers)
