"""Callers as the use cases see them, without a token behind them."""

from vendor.audit.event import Origin
from vendor.identity.principal import Principal, PrincipalKind
from vendor.names import parse_user_name
from vendor.stewardship.caller import Caller


def caller(name: str, *, admin: bool = False, has_home: bool = True, max_lease_seconds: int | None = None) -> Caller:
    """Return a caller of this name, with a token that never ends."""
    principal = Principal(
        name=parse_user_name(name),
        kind=PrincipalKind.USER,
        issuer="https://idp.example.org",
        subject=name,
        expires_at=float("inf"),
        admin=admin,
        has_home=has_home,
        max_lease_seconds=max_lease_seconds,
    )
    return Caller(principal, Origin(request_id="r_test", door="test"))
