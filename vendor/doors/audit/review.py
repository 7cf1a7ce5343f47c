"""`/v1/audit/review`: who had access to a tenant's data since a moment, and who used it."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.audit.table import csv_lines
from vendor.doors import shapes
from vendor.doors.audit.wanted import TimeText, parse_moment
from vendor.doors.body import read_query
from vendor.doors.context import caller, gateway
from vendor.doors.operation import Example, Operation, Reply
from vendor.doors.parse import TENANT_NAME, Query
from vendor.doors.render import JSON, NO_STORE
from vendor.errors import InvalidName, NotSteward, UnknownTenant
from vendor.names import parse_tenant_name

CSV: Final = "text/csv"


class ReviewQuery(Query):
    """Which tenant, and since when."""

    tenant: Annotated[str, Field(json_schema_extra=dict(TENANT_NAME))]
    since: TimeText


class ReviewRow(TypedDict):
    """One way to the tenant's data: a membership or a share.  `begun` is null for an old one, `until` for open ones."""

    who: str
    through: Annotated[str, Field(examples=["member", "share:s_abc"])]
    access: str
    path: str | None
    begun: shapes.Time | None
    until: shapes.Time | None
    leases: int
    writing: int
    last_used: str | None
    finding: Literal["", "never used", "write never used"]


class Reviewed(TypedDict):
    """Every way to a tenant's data since a moment."""

    tenant: str
    since: str
    rows: list[ReviewRow]


async def review(request: Request) -> Response:
    """Review a tenant's access since a moment: who had it, through what, who used it, what was never used.

    For its stewards and administrators.  Use means keys that were given.
    """
    tenant, since, rows = await _reviewed(request)
    return JSON(cast("Reviewed", {"tenant": tenant, "since": since, "rows": rows}))


async def review_table(request: Request) -> Response:
    """Return the same review as CSV, for a spreadsheet; what could be a formula begins with an apostrophe."""
    _, _, rows = await _reviewed(request)
    text = "".join(csv_lines(tuple(ReviewRow.__annotations__), rows))
    return Response(text, media_type=CSV, headers=NO_STORE)


async def _reviewed(request: Request) -> tuple[str, str, list[dict[str, object]]]:
    who = await caller(request)
    query = read_query(request, ReviewQuery)
    rows = await gateway(request).review.of(who, parse_tenant_name(query.tenant), parse_moment("since", query.since))
    return query.tenant, query.since, [row.answer() for row in rows]


_REVIEW: Final = Example("carol", query={"tenant": "kbase", "since": "2026-01-01T00:00:00Z"})


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "reviewAccess",
        "GET",
        "/v1/audit/review",
        review,
        {200: Reply(Reviewed)},
        query=ReviewQuery,
        refuses=(InvalidName, UnknownTenant, NotSteward),
        example=_REVIEW,
    ),
    Operation(
        "reviewAccessTable",
        "GET",
        "/v1/audit/review.csv",
        review_table,
        {200: Reply(str, "The rows of the review.", CSV)},
        query=ReviewQuery,
        refuses=(InvalidName, UnknownTenant, NotSteward),
        example=_REVIEW,
    ),
]
