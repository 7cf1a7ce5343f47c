"""`/v1/leases`: from an identity token to keys, and the life of a lease after that."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, NotRequired, cast

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.body import Body, read, read_query
from vendor.doors.context import caller, caller_or_holder, gateway, origin
from vendor.doors.making import MAKING, MAKING_OR_RENEWING
from vendor.doors.operation import Example, Link, Operation, Reply, Token
from vendor.doors.parse import Page, Query, lease_in_path
from vendor.doors.render import JSON
from vendor.errors import InvalidName, InvalidPath, InvalidToken, UnknownLease, UnknownUser
from vendor.identity.bearer import bearer
from vendor.leases import facts
from vendor.leases.ending import Ended
from vendor.leases.lease import DEFAULT_STORE, MOST_ENTRIES, Issued, LeaseAsk
from vendor.leases.register import Kept
from vendor.leases.token import is_lease_token
from vendor.names import parse_s3_path, parse_user_name
from vendor.policy.grant import Ask, Level
from vendor.stewardship.caller import require_admin
from vendor.times import rfc3339

_ContextName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_ContextText = Annotated[str, Field(max_length=512)]


class ScopeEntry(Body):
    """One path, and what is to be done with it."""

    path: shapes.AskedPath
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


class LeasesQuery(Page):
    """Which leases."""

    user: Annotated[str, Field(max_length=64, description="Somebody else's: for administrators.")] | None = None
    state: Literal["live"] = "live"


class UserQuery(Query):
    """Whose leases."""

    user: Annotated[str, Field(max_length=64)]


class IssuedLease(TypedDict):
    """A lease with its keys.  The lease token is there, once, if `renewable_for` was asked for."""

    lease: shapes.Lease
    lease_token: NotRequired[Annotated[str, Field(pattern="^vlt_")]]
    credentials: shapes.Keys
    endpoint: shapes.EndpointShown


class SplitLeases(TypedDict):
    """The answer to `split`: leases that cover the scope together."""

    leases: list[IssuedLease]


class KeptLease(shapes.Lease):
    """A lease as it stands: `ended` says how it was ended, if it was."""

    renewals: Annotated[int, Field(ge=0)]
    ended: dict[str, object] | None


class LeasePage(TypedDict):
    """Live leases."""

    leases: list[KeptLease]
    cursor: shapes.NextCursor


class LeaseShown(TypedDict):
    """One lease."""

    lease: KeptLease


class EndedLease(shapes.Ended):
    """One of several leases that were ended."""

    id: str


class EndedLeases(TypedDict):
    """What ending all leases came to."""

    revoked: Annotated[int, Field(ge=0)]
    leases: list[EndedLease]


async def create(request: Request) -> Response:
    """Issue a lease, or with `split` as many as the scope needs: 201."""
    who = await caller(request)
    body = await read(request, LeaseBody)
    if body.split:
        leases = await gateway(request).splitting.vend(who, body.ask())
        split: SplitLeases = {"leases": [answer(issued) for issued in leases]}
        return JSON(split, 201)
    return JSON(answer(await gateway(request).vending.vend(who, body.ask())), 201)


async def renew(request: Request) -> Response:
    """Issue fresh keys for the lease of a lease token."""
    token = bearer(request.headers.getlist("authorization"))
    if not is_lease_token(token):
        raise InvalidToken("A lease is renewed with its lease token.", remedy="Send the lease token as bearer token.")
    renewing = gateway(request).renewing
    kept = await renewing.open(token)  # first of all: nothing is read of what a stranger sends
    await read(request, RenewBody)
    return JSON(answer(await renewing.renew_kept(kept, token, origin(request, "api"))))


async def listed(request: Request) -> Response:
    """List leases that have not ended: one's own, or as an administrator those of `?user=`."""
    who = await caller(request)
    query = read_query(request, LeasesQuery)
    user = parse_user_name(query.user) if query.user is not None else who.principal.name
    if user != who.principal.name:
        require_admin(who, "list somebody else's leases")
    parts = gateway(request)
    shown: list[Kept] = []
    cursor = None
    async for kept in parts.register.of(user, since=parts.vending.making.clock(), after=query.after()):
        if kept.ended is None:
            if len(shown) == query.limit:
                cursor = shown[-1].id
                break
            shown.append(kept)
    page: LeasePage = {"leases": [_shown(kept) for kept in shown], "cursor": cursor}
    return JSON(page)


async def show(request: Request) -> Response:
    """Show one lease to its holder, to whoever has its token, and to administrators."""
    who, opened = await caller_or_holder(request)
    lease = lease_in_path(request)
    kept = opened if opened is not None else await gateway(request).register.get(lease)
    allowed = kept is not None and kept.id == lease and (who.principal.admin or who.principal.name == kept.holder.name)
    if kept is None or not allowed:
        raise UnknownLease("There is no such lease.")
    shown: LeaseShown = {"lease": _shown(kept)}
    return JSON(shown)


async def delete(request: Request) -> Response:
    """End one lease; repeat is fine."""
    token = bearer(request.headers.getlist("authorization"))
    lease = lease_in_path(request)
    if is_lease_token(token):
        who, opened = await caller_or_holder(request)
        if opened is None or opened.id != lease:
            raise UnknownLease("There is no such lease.")
        return JSON(_ended(await gateway(request).ending.end_kept(who, opened)))
    return JSON(_ended(await gateway(request).ending.end(await caller(request), lease)))


async def delete_all(request: Request) -> Response:
    """End all live leases of `?user=`: one's own, or as an administrator anybody's.

    Among them are those that were ended before and whose keys may still work.
    """
    who = await caller(request)
    user = parse_user_name(read_query(request, UserQuery).user)
    ended = await gateway(request).ending.end_all(who, user)
    answer: EndedLeases = {"revoked": len(ended), "leases": [{"id": one.lease, **_ended(one)} for one in ended]}
    return JSON(answer)


def answer(issued: Issued) -> IssuedLease:
    """Render a lease with its keys: the one place where they are revealed to their owner."""
    keys, store = issued.credentials, issued.store
    content: IssuedLease = {
        "lease": cast("shapes.Lease", facts.view(issued.lease)),
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


def _shown(kept: Kept) -> KeptLease:
    return cast("KeptLease", {**kept.view, "renewals": kept.renewals, "ended": kept.ended})


def _ended(ended: Ended) -> shapes.Ended:
    return cast("shapes.Ended", ended.answer())


_LINKS: Final = (Link("getLease", {"lease": "/lease/id"}), Link("endLease", {"lease": "/lease/id"}))
_KBASE: Final = "s3a://cdm-lake/tenant-general-warehouse/kbase/"
_WANTED: Final = {"scope": [{"path": _KBASE, "access": "read"}], "duration": 900, "audit_context": {"job": "spark-7"}}
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "createLease",
        "POST",
        "/v1/leases",
        create,
        {201: Reply(IssuedLease | SplitLeases, links=_LINKS)},
        body=LeaseBody,
        refuses=(*MAKING, InvalidPath),
        example=Example(body=_WANTED),
    ),
    Operation(
        "listLeases",
        "GET",
        "/v1/leases",
        listed,
        {200: Reply(LeasePage)},
        query=LeasesQuery,
        refuses=(InvalidName,),
        example=Example(query={"state": "live", "limit": "10"}),
    ),
    Operation(
        "endLeases",
        "DELETE",
        "/v1/leases",
        delete_all,
        {200: Reply(EndedLeases)},
        query=UserQuery,
        refuses=(InvalidName, UnknownUser),
        example=Example(query={"user": "alice"}),
    ),
    Operation(
        "renewLease",
        "POST",
        "/v1/leases/renew",
        renew,
        {200: Reply(IssuedLease, links=_LINKS)},
        token=Token.LEASE,
        body=RenewBody,
        refuses=MAKING_OR_RENEWING,
        example=Example(body={}),
    ),
    Operation("getLease", "GET", "/v1/leases/{lease}", show, {200: Reply(LeaseShown)}, token=Token.ANY),
    Operation("endLease", "DELETE", "/v1/leases/{lease}", delete, {200: Reply(shapes.Ended)}, token=Token.ANY),
]
