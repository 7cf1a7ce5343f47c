"""The operations of the MMS-compatible API as the document tells them, with its own forms of refusal."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from vendor.doors.mms.errors import TYPES, statuses
from vendor.doors.mms.operation import DOOR, OpenOperation, Operation
from vendor.doors.operation import JSON_MEDIA, Reply, Token
from vendor.doors.parse import Place
from vendor.doors.render import RefusalAnswer
from vendor.doors.sheet import Sheet, said
from vendor.errors import InvalidRequest

_Number = Annotated[int | None, Field(json_schema_extra={"enum": [*TYPES, None]})]
_Type = Annotated[str | None, Field(json_schema_extra={"enum": [*dict.fromkeys(TYPES.values()), None]})]


class ServiceRefusal(TypedDict):
    """What the service refuses, with its number."""

    error: _Number
    error_type: _Type
    message: str


class DetailRefusal(TypedDict):
    """What the framework behind MMS refuses."""

    detail: str


class Problem(TypedDict):
    """One member of a request that is not as agreed."""

    type: str
    loc: list[str | int]
    msg: str
    input: object
    ctx: NotRequired[dict[str, object]]


class InvalidRefusal(TypedDict):
    """A request that is not as agreed."""

    detail: list[Problem]


_FORMS: Final[Mapping[int, Any]] = {
    400: ServiceRefusal | RefusalAnswer,  # the second form is that of the frame around all doors
    403: ServiceRefusal | DetailRefusal,
    413: ServiceRefusal | RefusalAnswer,
    422: ServiceRefusal | InvalidRefusal,
    500: ServiceRefusal | RefusalAnswer,
}
_WORDS: Final = {400: "Refused.", 401: "Not signed in.", 403: "Not allowed.", 422: "Not in the agreed form."}

_PLACES: Final = {
    "username": ("The name of a user.", "bob"),
    "tenant_name": ("The name of a tenant.", "kbase"),
    "group_name": ("The name of a group: a tenant, or with `ro` its read-only half.", "kbase"),
    "policy_name": ("The name of a policy.", "group-policy-kbase"),
}


def sheet_of(operation: Operation | OpenOperation) -> Sheet:
    """Return what there is to say of an operation."""
    if isinstance(operation, OpenOperation):
        return _sheet(operation, operation.serve, Token.NONE, {401, InvalidRequest.status, 413, 500})
    return _sheet(operation, operation.handler, Token.IDENTITY, statuses())


def _sheet(operation: Operation | OpenOperation, handler: Any, token: Token, refused: set[int]) -> Sheet:
    summary, description = said(handler)
    replies = {status: _refusal(status) for status in refused}
    replies |= {status: _answer(status, body) for status, body in operation.answers.items()}
    takes = operation if isinstance(operation, Operation) else None
    model = takes.body if takes else None
    return Sheet(
        id=_id(operation),
        method=operation.method,
        path=operation.path,
        tag=DOOR,
        summary=summary,
        description=description,
        security=token.value,
        replies=replies,
        places={name: _place(name) for name in _names(operation.path)},
        query=takes.query if takes else None,
        body=model,
        body_media=JSON_MEDIA if model is not None else None,
        body_required=takes.body_required if takes else False,
        body_nullable=takes is not None and not takes.body_required,
    )


def _answer(status: int, body: Any) -> Reply:
    if body is None and status >= 400:
        return _refusal(status)
    return Reply(body)


def _refusal(status: int) -> Reply:
    return Reply(_FORMS.get(status, ServiceRefusal), _WORDS.get(status, ""))


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _place(name: str) -> Place:
    what, example = _PLACES[name]
    return Place(what, {"type": "string", "minLength": 1}, InvalidRequest, example)


def _id(operation: Operation | OpenOperation) -> str:
    parts = operation.path.replace("{", "").replace("}", "").replace("-", "_").strip("/").split("/")
    return "_".join([DOOR, operation.method.lower(), *parts])
