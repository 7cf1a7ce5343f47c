"""Live leases as calls: listing them, and ending all of somebody's."""

from collections.abc import Mapping

from vendor.client.answers import Lease, Reader
from vendor.client.calls import Call
from vendor.client.paging import Page, page_params
from vendor.names import parse_user_name


def leases(cursor: str | None = None, **which: str) -> Call[Page[Lease]]:
    """List one's live leases, or those that `user`, `tenant` or `state` picks.  Without secrets."""
    return Call("GET", "/v1/leases", Page.reader("leases", Lease.read), params=page_params(cursor, which))


def revoke_all(user: str) -> Call[Mapping[str, object]]:
    """End all leases of a user."""
    return Call("DELETE", "/v1/leases", lambda value: Reader(value).raw, params={"user": parse_user_name(user)})
