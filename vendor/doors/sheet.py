"""One operation as a document tells it, whichever way its door declares it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from vendor.doors.operation import JSON_MEDIA, Example, Operation, Reply
from vendor.doors.parse import PATH, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that is to be said of an operation.  `security` are schemes, any one of them enough."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    security: Sequence[str]
    replies: Mapping[int, Reply]
    places: Mapping[str, Place] = field(default_factory=dict)
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_media: str | None = None
    body_required: bool = True
    body_nullable: bool = False
    if_match: bool = False
    example: Example | None = None


def sheet_of(operation: Operation) -> Sheet:
    """Return what there is to say of an operation of the gateway's own doors."""
    summary, description = said(operation.handler)
    model = operation.body
    return Sheet(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        tag=tag_of(operation),
        summary=summary,
        description=description,
        security=operation.token.value,
        replies=operation.replies(),
        places={name: place for name, place in PATH.items() if f"{{{name}}}" in operation.path},
        query=operation.query,
        body=model,
        body_media=operation.body_media or (JSON_MEDIA if model is not None else None),
        body_required=model is None or any(one.is_required() for one in model.model_fields.values()),
        if_match=operation.if_match,
        example=operation.example,
    )


def tag_of(operation: Operation) -> str:
    """Return the heading under which an operation stands: the first part of its path that says something."""
    parts = [part for part in operation.path.split("/") if part not in {"", "v1"}]
    return parts[0].removeprefix(".") if operation.path.startswith("/v1/") else operation.door


def said(handler: Callable[..., Awaitable[Any] | Response]) -> tuple[str, str]:
    """Return the first sentence of a handler's docstring, and all of it where it says more."""
    text = " ".join((inspect.getdoc(handler) or "").split())
    sentence, _, rest = text.partition(". ")
    return sentence.removesuffix("."), text if rest else ""
