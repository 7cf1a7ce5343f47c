"""`/credentials`: the caller's keys, the same at every ask until half their life is over."""

from typing import Final

from vendor.doors.mms.errors import Area
from vendor.doors.mms.models import CredentialsResponse, Endpoint
from vendor.doors.mms.operation import Call, Register
from vendor.leases.lease import Issued
from vendor.times import rfc3339


async def get(call: Call) -> CredentialsResponse:
    """Give the caller's keys.  The first call makes a new user known and prepares their homes."""
    return _shown(await call.gateway.mms.kept.current(call.who))


async def rotate(call: Call) -> CredentialsResponse:
    """Give other keys, now and at every ask on every replica."""
    await call.gateway.mms.rotating.rotate(call.who)
    return _shown(await call.gateway.mms.kept.current(call.who))


def _shown(issued: Issued) -> CredentialsResponse:
    """Render the keys: the one place of this door where they are revealed to their owner."""
    keys = issued.credentials
    secret = keys.secret_key.reveal()
    return CredentialsResponse(
        username=issued.lease.principal,
        access_key=keys.access_key_id,
        secret_key=secret,
        s3_access_key=keys.access_key_id,
        s3_secret_key=secret,
        session_token=keys.session_token.reveal(),
        expiration=rfc3339(issued.lease.reported_end),
        lease_id=issued.lease.id,
        endpoint=Endpoint(url=issued.store.public_endpoint, region=issued.store.region, path_style=True),
    )


_on = Register(Area.CREDENTIALS)
OPERATIONS: Final = [
    _on("GET", "/credentials/", get, {200: CredentialsResponse}),
    _on("POST", "/credentials/rotate", rotate, {200: CredentialsResponse}),
]
