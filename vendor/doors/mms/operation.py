"""How one operation of the MMS-compatible API becomes routes: identity first, then the handler, then MMS's forms.

An operation says what it takes and what it answers, so that the table of all of them can be held against MMS's own
contract, and a document can be generated from it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from vendor.doors.context import Gateway, gateway, origin
from vendor.doors.mms.errors import ADMIN_REQUIRED, Area, MmsError, ServiceError, rendered, translated, unforeseen
from vendor.doors.operation import Dispatch, by_path
from vendor.doors.render import JSON
from vendor.errors import MissingToken, VendError
from vendor.identity.bearer import bearer
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller
from vendor.times import rfc3339

DOOR: Final = "mms"
_log = structlog.get_logger(__name__)

Content = BaseModel | Sequence[BaseModel] | None
Method = Literal["GET", "POST", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody whose token was accepted."""

    request: Request
    gateway: Gateway
    who: Caller
    token: RawToken

    @property
    def name(self) -> str:
        """The caller's own name."""
        return self.who.principal.name

    def path(self, parameter: str) -> str:
        """Return a parameter of the path as it was sent."""
        return str(self.request.path_params[parameter])

    def now(self) -> str:
        """Return the present, as answers tell it."""
        return rfc3339(self.gateway.vending.making.clock())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with another status than the operation's usual one."""

    content: Content
    status: int


Handler = Callable[[Call], Awaitable[Content | Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOperation:
    """A GET that needs no token; it renders by itself."""

    path: str
    serve: Callable[[Request], Awaitable[Response]]
    answers: Mapping[int, Any]
    method: Method = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path.

    `answers` is status → what the body is; the first one is the usual.  `query` and `body` are the models that the
    handler reads with; they are stated here as well because the table of operations is what documentation is made of.
    `admin` refuses everybody else before anything is read, as MMS does; the use cases refuse them, too.
    """

    method: Method
    path: str
    area: Area
    handler: Handler
    answers: Mapping[int, Any]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_required: bool = True
    admin: bool = False

    async def serve(self, request: Request) -> Response:
        """Serve one request: whatever happens is answered in MMS's forms."""
        try:
            call = await identified(request)
        except MmsError as refusal:
            return rendered(refusal)
        try:
            self._admit(call)
            answer = await self.handler(call)
        except MmsError as refusal:
            return rendered(refusal)
        except VendError as refusal:
            return rendered(translated(refusal, self.area, request.path_params.get("tenant_name")))
        except Exception:  # noqa: BLE001 - clients of this API expect its form for this, too
            _log.exception("unhandled failure")
            return unforeseen()
        if isinstance(answer, Answer):
            return _rendered(answer.content, answer.status)
        return _rendered(answer, next(iter(self.answers)))

    def _admit(self, call: Call) -> None:
        if self.admin and not call.who.admin:
            raise MmsError(403, ADMIN_REQUIRED)


@dataclass(frozen=True, slots=True)
class Register:
    """Makes the operations of one area."""

    area: Area

    def __call__(
        self,
        method: Method,
        path: str,
        handler: Handler,
        answers: Mapping[int, Any],
        *,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        body_required: bool = True,
        admin: bool = False,
    ) -> Operation:
        """Return one operation."""
        return Operation(
            method=method,
            path=path,
            area=self.area,
            handler=handler,
            answers=answers,
            query=query,
            body=body,
            body_required=body_required,
            admin=admin,
        )


async def identified(request: Request) -> Call:
    """Authenticate a request.  Raises MmsError."""
    here = gateway(request)
    token = _token(request)
    try:
        principal = await here.authenticator.authenticate(token)
    except VendError as refusal:
        raise translated(refusal, Area.IDENTITY) from None
    return Call(request, here, Caller(principal, origin(request, DOOR)), token)


def routes(operations: Sequence[Operation | OpenOperation]) -> list[BaseRoute]:
    """Return the routes of `operations`, and for every path a redirect from its form with or without last slash."""
    paths = by_path(operations)
    made: list[BaseRoute] = []
    for path, theirs in paths.items():
        served = Dispatch(theirs, head=False)  # HEAD would do what GET does, unseen
        route = Route(path, served, methods=served.allowed)
        route.methods = {*served.allowed}  # other methods may be those of a path with a placeholder
        made.append(route)
    made.extend(Route(path[:-1] if path.endswith("/") else f"{path}/", Redirect()) for path in paths)
    return made


class Redirect:
    """307 to the canonical form: relative, so that it holds behind any proxy, and to no other host."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("latin-1")
        last = path.rstrip("/").rpartition("/")[2]
        query = scope["query_string"].decode("latin-1")
        location = (f"../{last}" if path.endswith("/") else f"./{last}/") + (f"?{query}" if query else "")
        await Response(status_code=307, headers={"location": location})(scope, receive, send)


def _token(request: Request) -> RawToken:
    headers = request.headers.getlist("authorization")
    sent = headers[0].strip() if len(headers) == 1 else ""
    if not headers or not "".join(headers).strip():
        raise translated(MissingToken("Authorization header required"), Area.IDENTITY)
    scheme, _, rest = sent.partition(" ")
    if scheme.lower() != "bearer" or not rest.strip():
        message = "Authorization header must be: Bearer <token>"
        raise ServiceError(401, 10030, message, {"www-authenticate": 'Bearer realm="vendor"'})
    try:
        return bearer(headers)
    except VendError as refusal:
        raise translated(refusal, Area.IDENTITY) from None


def _rendered(content: Content, status: int) -> Response:
    if content is None:
        return Response(status_code=status, headers={"cache-control": "no-store"})
    if isinstance(content, BaseModel):
        return JSON(content.model_dump(mode="json"), status)
    return JSON([entry.model_dump(mode="json") for entry in content], status)
