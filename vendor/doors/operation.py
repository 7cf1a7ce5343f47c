"""How a route is declared: what it takes, answers and refuses.  Routes and the OpenAPI document are made from it.

To add a route, write a handler (`Request` → `Response`; the first sentence of its docstring becomes the summary, the
rest the description) and put an `Operation` into the module's `OPERATIONS`, which `table.py` collects:

    Operation("showLease", "GET", "/v1/leases/{lease}", show, {200: Reply(LeaseAnswer)}, token=Token.ANY)

- `query` and `body` are the models that the handler reads with `read_query` and `read`; these two read nothing else.
- Bodies of answers are `TypedDict`s, so that mypy holds the handler's dictionaries against what the document says.
- `refuses` are the errors that the operation has beyond those of its token, path, body and `if_match`.
- A door with error answers of its own passes another `form`; a body that is no JSON names its `body_media`.
- Placeholders in paths are described in `PATH`; `example` is sent to a running gateway by a test, so it has to work.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any, Final, Literal, Protocol, TypeVar

import structlog
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from vendor.doors.parse import PATH
from vendor.doors.render import REFUSAL, InternalError, RefusalAnswer, error_answer
from vendor.errors import (
    AuditUnavailable,
    ExpiredToken,
    IdentityProviderUnavailable,
    InvalidRequest,
    InvalidToken,
    LeaseEnded,
    MissingToken,
    RoleRequired,
    StaleRevision,
    StateUnavailable,
    TooLarge,
    UnsupportedMediaType,
    UnusableName,
    VendError,
)

JSON_MEDIA: Final = "application/json"
OPERATION: Final = "vendor.operation"
"""Where the scope of a request says which operation serves it."""
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[[Request], Awaitable[Response]]
_log = structlog.get_logger(__name__)


class Token(Enum):
    """What an operation takes as bearer token; the values are the names of security schemes, any one of them enough."""

    NONE = ()
    IDENTITY = ("identity",)
    LEASE = ("lease",)
    ANY = ("identity", "lease")

    @property
    def refuses(self) -> tuple[type[VendError], ...]:
        """The refusals of whoever reads such tokens."""
        of_lease = (LeaseEnded,) if "lease" in self.value else ()
        return (*_TOKEN, *of_lease) if self.value else ()


_TOKEN: Final = (
    MissingToken,
    InvalidToken,
    ExpiredToken,
    UnusableName,
    RoleRequired,
    IdentityProviderUnavailable,
    StateUnavailable,
    AuditUnavailable,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go on from an answer: the id of another operation, and its path parameters as JSON pointers into it."""

    operation: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of one status: the type of its body (None for no body), and what else it has.

    `schema` is for bodies that no type describes.  `headers` are names of the document's headers.
    """

    body: Any = None
    what: str = ""
    media: str = JSON_MEDIA
    headers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A request that works on the development stack: as which of its users, and with what.

    In a body `$TOKEN` stands for an identity token and `$LEASE_TOKEN` for a lease token, as in docs/doors.md.
    """

    user: str = "alice"
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class ErrorForm(Protocol):
    """How a door writes refusals, and how the document tells of them."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""


class NativeForm:
    """`{"error": {…}}`: the form of everything under /v1."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        return error_answer(error, scope)

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return kind.status

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status: the one schema of all, with the codes of this status."""
        codes = sorted({kind.code for kind in kinds})
        return Reply(RefusalAnswer, what=", ".join(codes), schema={"properties": _code_among(codes)})


def _code_among(codes: list[str]) -> dict[str, Any]:
    return {"error": {"properties": {"code": {"enum": codes}}}}


NATIVE: Final = NativeForm()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.  `id` never changes: clients are generated with it."""

    id: str
    method: Method
    path: str
    handler: Handler
    answers: Mapping[int, Reply]
    _: KW_ONLY
    token: Token = Token.IDENTITY
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_media: str | None = None
    if_match: bool = False
    refuses: tuple[type[VendError], ...] = ()
    form: ErrorForm = NATIVE
    example: Example | None = None
    door: str = "api"

    async def serve(self, request: Request) -> Response:
        """Serve one request; whatever happens before the answer begins is refused in the door's form."""
        try:
            if self.query is None and self.token is not Token.NONE and request.query_params:
                raise InvalidRequest("This request takes no parameters in its query.")
            return await self.handler(request)
        except VendError as refusal:
            request.scope[REFUSAL] = refusal.code
            return self.form.answer(refusal, request.scope)
        except Exception:  # noqa: BLE001 - a client of this door expects its form for this, too
            _log.exception("unhandled failure")
            request.scope[REFUSAL] = InternalError.code
            return self.form.answer(InternalError(), request.scope)

    @property
    def takes_body(self) -> bool:
        """Say whether there is a body to be read."""
        return self.body is not None or self.body_media is not None

    def replies(self) -> dict[int, Reply]:
        """Return every answer and refusal, by status."""
        refused: defaultdict[int, list[type[VendError]]] = defaultdict(list)
        for kind in self._refusals():
            refused[self.form.status_of(kind)].append(kind)
        described = {status: self.form.reply(status, kinds) for status, kinds in refused.items()}
        return dict(sorted({**described, **self.answers}.items()))

    def _refusals(self) -> Iterable[type[VendError]]:
        yield from (InvalidRequest, TooLarge, InternalError)
        yield from self.token.refuses
        yield from (place.refusal for name, place in PATH.items() if f"{{{name}}}" in self.path)
        if self.takes_body:
            yield UnsupportedMediaType
        if self.if_match:
            yield StaleRevision
        yield from self.refuses


def declared(request: Request) -> Operation | None:
    """Return the operation that serves a request, if it is one of those declared here."""
    found = request.scope.get(OPERATION)
    return found if isinstance(found, Operation) else None


class Served(Protocol):
    """What serves one method on one path."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def path(self) -> str:
        """The path, with its placeholders."""

    @property
    def serve(self) -> Handler:
        """What serves a request."""


class Dispatch:
    """The operations of one path, as one endpoint: so a wrong method is told all the right ones."""

    def __init__(self, operations: Sequence[Served], *, head: bool) -> None:
        self.by_method: dict[str, Served] = {operation.method: operation for operation in operations}
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        operation = self.by_method.get("GET" if method == "HEAD" and self._head else method)
        if operation is None:
            raise HTTPException(405, headers={"allow": ", ".join(self.allowed)})
        scope[OPERATION] = operation
        response = await operation.serve(Request(scope, receive, send))
        await response(scope, receive, send)

    @property
    def allowed(self) -> list[str]:
        """Every method that is answered here."""
        head = ["HEAD"] if self._head and "GET" in self.by_method else []
        return [*self.by_method, *head]


def routes(operations: Sequence[Operation]) -> list[BaseRoute]:
    """Return one route for each path, in the order of their first operations.  HEAD is answered wherever GET is."""
    return [Route(path, Dispatch(theirs, head=True)) for path, theirs in by_path(operations).items()]


_Served = TypeVar("_Served", bound=Served)


def by_path(operations: Sequence[_Served]) -> dict[str, list[_Served]]:
    """Return the operations of each path, in the order of their first ones."""
    paths: dict[str, list[_Served]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return paths
