"""Who may read metrics.  They hold no secret, but tell how much is done here, and how well the stores are."""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request

from vendor.errors import InvalidToken, RoleRequired
from vendor.identity.bearer import bearer
from vendor.loopback import is_loopback
from vendor.secret import Secret

_PROXIED: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")


class Readers(StrEnum):
    """Who may read metrics without a token."""

    NOBODY = "nobody"
    LOOPBACK = "loopback"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class MetricsAccess:
    """Who may read metrics: with the token whoever has it, without one `readers`."""

    readers: Readers = Readers.LOOPBACK
    token: Secret | None = None

    def require(self, request: Request) -> None:
        """Raise MissingToken, InvalidToken or RoleRequired for one who may not read them."""
        if self.token is not None:
            sent = bearer(request.headers.getlist("authorization"))
            if not hmac.compare_digest(sent.reveal().encode(), self.token.reveal().encode()):
                raise InvalidToken(
                    "This is not the token for metrics.", remedy="Send VENDOR_METRICS_TOKEN as it is set."
                )
        elif self.readers is Readers.NOBODY or (self.readers is Readers.LOOPBACK and not _from_here(request)):
            raise RoleRequired(
                "Metrics are not for this address.",
                remedy="The operator opens them with VENDOR_METRICS_TOKEN, or with VENDOR_METRICS=anybody.",
            )


def _from_here(request: Request) -> bool:
    """Say whether a request comes from this machine, and not through a proxy on it."""
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    return is_loopback(request.client.host)
