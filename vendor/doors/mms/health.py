"""`/health`: whether the service's database answers, in MMS's words; open to everyone, but a bad token is refused."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vendor.doors.context import gateway
from vendor.doors.mms.errors import MmsError, rendered
from vendor.doors.mms.models import DatabaseHealth, HealthResponse
from vendor.doors.mms.operation import OpenOperation, identified
from vendor.doors.render import JSON


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
    found = await here.wellness.get()
    status = "unhealthy" if not found.redis else "healthy" if all(found.stores.values()) else "degraded"
    database = DatabaseHealth(primary=found.redis, replica=False, replica_enabled=False)
    answer = HealthResponse(status=status, database=database)
    return JSON(answer.model_dump(mode="json"), 200 if found.redis else 503)


OPERATIONS: Final = [
    OpenOperation(path="/health", serve=health, answers={200: HealthResponse, 503: HealthResponse}),
]
