"""`/health`: whether the service's database answers, in MMS's words; open to everyone, but a bad token is refused."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vendor.doors.context import gateway
from vendor.doors.mms.errors import MmsError, rendered
from vendor.doors.mms.models import DatabaseHealth, HealthResponse
from vendor.doors.mms.operation import OpenOperation, identified
from vendor.doors.render import JSON
from vendor.errors import VendError

PROBE_SECONDS: Final = 3.0


async def health(request: Request) -> Response:
    """200 `healthy`, 200 `degraded` while a store is away, 503 `unhealthy` without the database.

    There is no read replica, so the answer says that none is enabled.
    """
    if any(header.strip() for header in request.headers.getlist("authorization")):
        try:
            await identified(request)
        except MmsError as refusal:
            if refusal.status == 401:
                return rendered(refusal)
    here = gateway(request)
    primary, *stores = await asyncio.gather(
        _answers(here.database.ping()), *(store.answers() for store in here.stores.values())
    )
    status = "unhealthy" if not primary else "healthy" if all(stores) else "degraded"
    database = DatabaseHealth(primary=primary, replica=False, replica_enabled=False)
    answer = HealthResponse(status=status, database=database)
    return JSON(answer.model_dump(mode="json"), 200 if primary else 503)


async def _answers(check: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(check, PROBE_SECONDS)
    except (VendError, TimeoutError):
        return False
    return True


OPERATIONS: Final = [
    OpenOperation(path="/health", serve=health, answers={200: HealthResponse, 503: HealthResponse}),
]
