"""Keys for one path, for the doors in the forms of catalogs: the use cases of leases, and nothing of their own.

With an identity token each ask is a lease of its own.  With a lease token it is the live keys of that lease, if the
path is part of it: so an engine that renews by path asks as often as it likes.
"""

from dataclasses import dataclass

from starlette.requests import Request

from vendor.doors.context import gateway, origin
from vendor.errors import ScopeNotGranted
from vendor.identity.bearer import bearer
from vendor.leases.lease import LeaseAsk
from vendor.leases.register import Kept
from vendor.leases.token import is_lease_token
from vendor.names import parse_s3_path
from vendor.policy.grant import Ask, Level
from vendor.stewardship.caller import Caller
from vendor.stores.credentials import Credentials
from vendor.stores.store import StoreSettings


@dataclass(frozen=True, slots=True)
class Given:
    """Keys, the end that clients are told, and where they are used."""

    credentials: Credentials
    reported_end: float
    store: StoreSettings

    @property
    def end_ms(self) -> int:
        """The end in milliseconds since the epoch."""
        return int(self.reported_end * 1000)


async def keys_for(request: Request, wanted: Ask | None, door: str) -> Given:
    """Give keys that allow `wanted`, or without it everything.

    Raises what authenticating, `Vending.vend` and `Renewing.renew` raise.
    """
    parts = gateway(request)
    token = bearer(request.headers.getlist("authorization"))
    here = origin(request, door)
    if is_lease_token(token):
        kept = await parts.renewing.open(token)
        live = await parts.repeating.current(token, here)
        if wanted is not None:
            _require_part(wanted, kept)
        return Given(live.credentials, live.reported_end, parts.vending.making.store(live.store).settings)
    principal = await parts.authenticator.authenticate(token)
    ask = LeaseAsk(scope=None if wanted is None else (wanted,))
    issued = await parts.vending.vend(Caller(principal, here), ask)
    return Given(issued.credentials, issued.lease.reported_end, issued.store)


def _require_part(wanted: Ask, kept: Kept) -> None:
    for entry in kept.view["scope"]:
        place, level = parse_s3_path(entry["path"]), Level(entry["access"])
        inside = place.bucket == wanted.path.bucket and wanted.path.prefix.startswith(place.prefix)
        if inside and level.covers(wanted.level):
            return
    raise ScopeNotGranted("This path is not part of the lease.", remedy="Ask with an identity token.")
