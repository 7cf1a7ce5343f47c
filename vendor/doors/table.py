"""Every operation of the gateway in one table: its routes are made from it, and its document."""

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute

from vendor.doors import (
    access,
    container,
    docs,
    leases,
    members,
    metrics,
    public,
    shares,
    state,
    tenants,
    users,
    whoami,
)
from vendor.doors.audit import events as audit_events
from vendor.doors.audit import review as audit_review
from vendor.doors.audit import seals as audit_seals
from vendor.doors.catalogs import iceberg, unity
from vendor.doors.mms import door as mms
from vendor.doors.mms import sheet as mms_sheet
from vendor.doors.oauth import door as oauth
from vendor.doors.operation import Operation, routes
from vendor.doors.sheet import Sheet, sheet_of
from vendor.doors.sts import door as sts

_OPERATIONS: Final[Sequence[Operation]] = [
    *container.OPERATIONS,
    *sts.OPERATIONS,
    *oauth.OPERATIONS,
    *iceberg.OPERATIONS,
    *unity.OPERATIONS,
    *leases.OPERATIONS,
    *access.OPERATIONS,
    *whoami.OPERATIONS,
    *tenants.OPERATIONS,
    *members.OPERATIONS,
    *users.OPERATIONS,
    *shares.OPERATIONS,
    *state.OPERATIONS,
    *audit_events.OPERATIONS,
    *audit_seals.OPERATIONS,
    *audit_review.OPERATIONS,
    *public.OPERATIONS,
    *metrics.OPERATIONS,
]


def sheets() -> list[Sheet]:
    """Return what there is to say of every operation."""
    return [*(sheet_of(one) for one in OPERATIONS), *(mms_sheet.sheet_of(one) for one in mms.OPERATIONS)]


OPERATIONS: Final[Sequence[Operation]] = [*_OPERATIONS, *docs.operations(sheets)]
ROUTES: Final[Sequence[BaseRoute]] = [*routes(OPERATIONS), *mms.ROUTES]
