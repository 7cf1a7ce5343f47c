"""`/v1/leases`: from an identity token to keys."""

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, gateway
from vendor.doors.render import JSON
from vendor.leases import facts
from vendor.leases.lease import Issued, LeaseAsk
from vendor.names import parse_s3_path
from vendor.policy.grant import Ask, Level
from vendor.times import rfc3339

MOST_ENTRIES: Final = 1000
_ContextName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_ContextText = Annotated[str, Field(max_length=512)]


class ScopeEntry(Body):
    """One path, and what is to be done with it."""

    path: Annotated[str, Field(max_length=2048)]
    access: Literal["read", "write"]


class LeaseBody(Body):
    """The body of `POST /v1/leases`.  Durations are in seconds."""

    scope: Annotated[list[ScopeEntry], Field(min_length=1, max_length=MOST_ENTRIES)] | None = None
    duration: int | None = None
    store: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "default"
    partial: bool = False
    audit_context: Annotated[dict[_ContextName, _ContextText], Field(max_length=16)] | None = None

    def ask(self) -> LeaseAsk:
        """Return what is asked for.  Raises InvalidPath."""
        scope = None
        if self.scope is not None:
            scope = tuple(Ask(parse_s3_path(entry.path), Level(entry.access)) for entry in self.scope)
        return LeaseAsk(scope, self.duration, self.store, self.partial, self.audit_context)


async def create(request: Request) -> Response:
    """Issue a lease: 201."""
    who = await caller(request)
    ask = (await read(request, LeaseBody)).ask()
    return JSON(answer(await gateway(request).vending.vend(who, ask)), 201)


def answer(issued: Issued) -> dict[str, object]:
    """Render a lease with its keys: the one place where they are revealed to their owner."""
    lease, keys, store = issued.lease, issued.credentials, issued.store
    return {
        "lease": {
            "id": lease.id,
            "principal": lease.principal,
            "store": lease.store,
            "issued_at": rfc3339(lease.issued_at),
            "expires_at": rfc3339(lease.expires_at),
            "refresh_after": rfc3339(lease.refresh_after),
            "renewable_until": None,
            "scope": [facts.granted_entry(granted) for granted in lease.scope],
            "not_granted": [facts.entry(missing) for missing in lease.not_granted],
            "policy": {
                "bytes": lease.policy.bytes,
                "limit": lease.policy_limit,
                "sha256": lease.policy.sha256,
                "form": "session",
            },
            "audit_context": dict(lease.audit_context),
        },
        "credentials": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_key.reveal(),
            "session_token": keys.session_token.reveal(),
            "expiration": rfc3339(lease.expires_at),
        },
        "endpoint": {"url": store.public_endpoint, "region": store.region, "path_style": True},
    }


ROUTES: Final = [Route("/v1/leases", create, methods=["POST"])]
