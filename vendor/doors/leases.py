"""`/v1/leases`: from an identity token to keys, and the life of a lease after that."""

import re
from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vendor.doors.body import Body, read
from vendor.doors.context import caller, caller_or_holder, gateway, origin
from vendor.doors.parse import one_of_query, page
from vendor.doors.render import JSON
from vendor.errors import InvalidRequest, InvalidToken, UnknownLease
from vendor.identity.bearer import bearer
from vendor.leases import facts
from vendor.leases.lease import DEFAULT_STORE, Issued, LeaseAsk, LeaseId
from vendor.leases.register import Kept
from vendor.leases.token import is_lease_token
from vendor.names import parse_s3_path, parse_user_name
from vendor.policy.grant import Ask, Level
from vendor.stewardship.caller import require_admin
from vendor.times import rfc3339

MOST_ENTRIES: Final = 1000
_LEASE_ID: Final = re.compile(r"l_[a-z2-7]{20}", re.ASCII)
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
    renewable_for: int | None = None
    store: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = DEFAULT_STORE
    partial: bool = False
    split: bool = False
    audit_context: Annotated[dict[_ContextName, _ContextText], Field(max_length=16)] | None = None

    def ask(self) -> LeaseAsk:
        """Return what is asked for.  Raises InvalidPath."""
        scope = None
        if self.scope is not None:
            scope = tuple(Ask(parse_s3_path(entry.path), Level(entry.access)) for entry in self.scope)
        return LeaseAsk(scope, self.duration, self.renewable_for, self.store, self.partial, self.audit_context)


class RenewBody(Body):
    """A renewal says nothing: what it is for is known from the beginning of the lease."""


async def create(request: Request) -> Response:
    """Issue a lease, or with `split` as many as the scope needs: 201."""
    who = await caller(request)
    body = await read(request, LeaseBody)
    if body.split:
        leases = await gateway(request).splitting.vend(who, body.ask())
        return JSON({"leases": [answer(issued) for issued in leases]}, 201)
    return JSON(answer(await gateway(request).vending.vend(who, body.ask())), 201)


async def renew(request: Request) -> Response:
    """Issue fresh keys for the lease of a lease token."""
    token = bearer(request.headers.getlist("authorization"))
    if not is_lease_token(token):
        raise InvalidToken("A lease is renewed with its lease token.", remedy="Send the lease token as bearer token.")
    await read(request, RenewBody)
    return JSON(answer(await gateway(request).renewing.renew(token, origin(request, "api"))))


async def listed(request: Request) -> Response:
    """List leases that have not ended: one's own, or as an administrator those of `?user=`."""
    who = await caller(request)
    query = one_of_query(request, "user", "state", "limit", "cursor")
    after, limit = page(query)
    if query.get("state", "live") != "live":
        raise InvalidRequest("state: only live leases are listed.")
    user = parse_user_name(query["user"]) if "user" in query else who.principal.name
    if user != who.principal.name:
        require_admin(who, "list somebody else's leases")
    parts = gateway(request)
    shown: list[Kept] = []
    cursor = None
    async for kept in parts.register.of(user, since=parts.vending.making.clock(), after=after):
        if kept.ended is None:
            if len(shown) == limit:
                cursor = shown[-1].id
                break
            shown.append(kept)
    return JSON({"leases": [_shown(kept) for kept in shown], "cursor": cursor})


async def show(request: Request) -> Response:
    """Show one lease to its holder, to whoever has its token, and to administrators."""
    who, opened = await caller_or_holder(request)
    lease = _lease_in_path(request)
    kept = opened if opened is not None else await gateway(request).register.get(lease)
    allowed = kept is not None and kept.id == lease and (who.principal.admin or who.principal.name == kept.holder.name)
    if kept is None or not allowed:
        raise UnknownLease("There is no such lease.")
    return JSON({"lease": _shown(kept)})


async def delete(request: Request) -> Response:
    """End one lease; repeat is fine."""
    token = bearer(request.headers.getlist("authorization"))
    lease = _lease_in_path(request)
    if is_lease_token(token):
        who, opened = await caller_or_holder(request)
        if opened is None or opened.id != lease:
            raise UnknownLease("There is no such lease.")
        return JSON((await gateway(request).ending.end_kept(who, opened)).answer())
    return JSON((await gateway(request).ending.end(await caller(request), lease)).answer())


async def delete_all(request: Request) -> Response:
    """End all live leases of `?user=`: one's own, or as an administrator anybody's."""
    who = await caller(request)
    query = one_of_query(request, "user")
    if "user" not in query:
        raise InvalidRequest("user: missing.")
    ended = await gateway(request).ending.end_all(who, parse_user_name(query["user"]))
    return JSON({"revoked": len(ended), "leases": [{"id": one.lease, **one.answer()} for one in ended]})


def answer(issued: Issued) -> dict[str, object]:
    """Render a lease with its keys: the one place where they are revealed to their owner."""
    keys, store = issued.credentials, issued.store
    content: dict[str, object] = {
        "lease": facts.view(issued.lease),
        "credentials": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_key.reveal(),
            "session_token": keys.session_token.reveal(),
            "expiration": rfc3339(issued.lease.reported_end),
        },
        "endpoint": {"url": store.public_endpoint, "region": store.region, "path_style": True},
    }
    if issued.token is not None:
        content["lease_token"] = issued.token.reveal()
    return content


def _shown(kept: Kept) -> dict[str, object]:
    return {**kept.view, "renewals": kept.renewals, "ended": kept.ended}


def _lease_in_path(request: Request) -> LeaseId:
    text = str(request.path_params["lease"])
    if not _LEASE_ID.fullmatch(text):
        raise UnknownLease("There is no such lease.")
    return LeaseId(text)


ROUTES: Final = [
    Route("/v1/leases", create, methods=["POST"]),
    Route("/v1/leases", listed),
    Route("/v1/leases", delete_all, methods=["DELETE"]),
    Route("/v1/leases/renew", renew, methods=["POST"]),
    Route("/v1/leases/{lease}", show),
    Route("/v1/leases/{lease}", delete, methods=["DELETE"]),
]
