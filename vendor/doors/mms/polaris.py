"""What MMS did for Polaris and Trino, and this gateway does not: 501, in the service's form."""

from typing import Final, NoReturn

from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.models import EnsurePolarisRequest, ReconcileTrinoCatalogsRequest
from vendor.doors.mms.operation import Call, Register

NOT_HERE: Final = 20043


async def absent(_call: Call) -> NoReturn:
    """Say that there is no Polaris and no Trino here."""
    raise ServiceError(501, NOT_HERE, "This service manages neither Polaris nor Trino catalogs")


_on = Register(Area.USERS)
_ABSENT: Final = {501: None}
_ENSURE, _RECONCILE = EnsurePolarisRequest, ReconcileTrinoCatalogsRequest
OPERATIONS: Final = [
    _on("POST", "/polaris/user_provision/{username}", absent, _ABSENT),
    _on("POST", "/polaris/credentials/rotate/{username}", absent, _ABSENT),
    _on("GET", "/polaris/effective-access/me", absent, _ABSENT),
    _on("GET", "/polaris/effective-access/{username}", absent, _ABSENT),
    _on("POST", "/polaris/management/tenants/{tenant_name}/reconcile-trino", absent, _ABSENT),
    _on("POST", "/management/migrate/ensure-polaris-resources", absent, _ABSENT, body=_ENSURE, body_required=False),
    _on("POST", "/management/migrate/reconcile-trino-catalogs", absent, _ABSENT, body=_RECONCILE, body_required=False),
]
