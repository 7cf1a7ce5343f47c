"""What the doors find in the application: the use cases, ready to call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from vendor.audit.event import Origin
from vendor.audit.parts import AuditParts
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.doors.fairness import Lanes
from vendor.doors.metrics_access import MetricsAccess
from vendor.doors.mms.parts import MmsParts
from vendor.doors.recent import Recent
from vendor.doors.render import request_id
from vendor.doors.traffic import Traffic
from vendor.doors.wellness import Wellness
from vendor.identity.authenticator import Authenticator
from vendor.identity.bearer import bearer
from vendor.identity.issuer import OwnIssuer
from vendor.leases.assuming import Assuming
from vendor.leases.background import Background
from vendor.leases.ending import Ending
from vendor.leases.insight import Insight
from vendor.leases.register import Kept, Register
from vendor.leases.renewing import Renewing
from vendor.leases.repeating import Repeating
from vendor.leases.shield.shield import Shield
from vendor.leases.splitting import Splitting
from vendor.leases.token import is_lease_token
from vendor.policy.layout import Layout
from vendor.policy.roles import Roles
from vendor.stewardship.caller import Caller
from vendor.stewardship.members import Members
from vendor.stewardship.reach import Reach
from vendor.stewardship.removal import Removal
from vendor.stewardship.review import Review
from vendor.stewardship.shares import Shares
from vendor.stewardship.state_copy import StateCopies
from vendor.stewardship.state_restore import StateRestore
from vendor.stewardship.tenants import Tenants
from vendor.stewardship.users import Users
from vendor.stores.probe.watch import Watch
from vendor.stores.store import Store

_AGENT_LIMIT: Final = 256
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that a running gateway consists of."""

    authenticator: Authenticator
    issuer: OwnIssuer | None
    database: Database
    trail: Trail
    audit: AuditParts
    layout: Layout
    stores: Mapping[str, Store]
    watches: Mapping[str, Watch]
    users: Users
    tenants: Tenants
    members: Members
    shares: Shares
    reach: Reach
    review: Review
    removal: Removal
    state_copies: StateCopies
    state_restore: StateRestore
    lanes: Lanes
    wellness: Recent[Wellness]
    vending: Shield
    renewing: Renewing
    repeating: Repeating
    assuming: Assuming
    public_url: str
    roles: Roles
    ending: Ending
    splitting: Splitting
    register: Register
    insight: Insight
    sign_in: Mapping[str, object]
    background: Background
    traffic: Traffic
    metrics_access: MetricsAccess
    mms: MmsParts


def gateway(request: Request) -> Gateway:
    """Return the gateway that this request came to."""
    found = request.app.state.gateway
    assert isinstance(found, Gateway)  # noqa: S101 - set once when the application is built
    return found


async def caller(request: Request, door: str = "api") -> Caller:
    """Authenticate the request.  Raises the 401s and 403s of identity, and IdentityProviderUnavailable."""
    token = bearer(request.headers.getlist("authorization"))
    principal = await gateway(request).authenticator.authenticate(token)
    return Caller(principal, origin(request, door))


async def caller_or_holder(request: Request, door: str = "api") -> tuple[Caller, Kept | None]:
    """Authenticate by identity token, or by lease token; for the latter the lease that it opens comes along.

    Raises what `caller` and `Renewing.open` raise.
    """
    token = bearer(request.headers.getlist("authorization"))
    if not is_lease_token(token):
        return await caller(request, door), None
    kept = await gateway(request).renewing.open(token)
    return Caller(kept.holder, origin(request, door)), kept


def origin(request: Request, door: str, session: str | None = None) -> Origin:
    """Return where the request came from, for the audit log; what the client says of itself is cut to size."""
    agent = request.headers.get("user-agent")
    return Origin(
        request_id=request_id(request.scope),
        door=door,
        client=request.client.host if request.client else None,
        user_agent=agent[:_AGENT_LIMIT] if agent else None,
        trace_id=_trace_id(request.headers.get("traceparent", "")),
        session=session,
    )


def _trace_id(traceparent: str) -> str | None:
    """Return the trace that a request belongs to (W3C Trace Context); None for what is not of that form."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return None if found is None or found[1] == "0" * 32 else found[1]
