"""Requests into typed models: strict JSON bodies, and queries.

Strict means: one media type, no content encoding, bounded, UTF-8, no repeated and no unknown members, no NaN, no
number where a text belongs.  The message of a refusal names the member.  A handler reads with the models that its
operation declares; with others it fails, so that the document cannot tell of others.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request

from vendor import strict_json
from vendor.doors.operation import declared
from vendor.doors.parse import Query
from vendor.errors import InvalidRequest, UnsupportedMediaType
from vendor.strict_json import BadJson

_Model = TypeVar("_Model", bound=BaseModel)
_Query = TypeVar("_Query", bound=Query)


class Body(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


async def read(request: Request, model: type[_Model]) -> _Model:
    """Read the request's body as `model`.  An absent body is an empty object.

    Raises InvalidRequest, UnsupportedMediaType, and TooLarge (from the size limit in front of all doors).
    """
    operation = declared(request)
    assert operation is None or operation.body is model, "the operation declares another body"  # noqa: S101
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is encoded.")
    content = await whole(request)
    if content and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("The body is not declared as JSON.")
    try:
        return model.model_validate(parse_object(content) if content else {})
    except ValidationError as failure:
        raise _invalid(failure) from None


def read_query(request: Request, model: type[_Query]) -> _Query:
    """Read the request's query as `model`.  Raises InvalidRequest for an unknown or repeated parameter, too."""
    operation = declared(request)
    assert operation is None or operation.query is model, "the operation declares another query"  # noqa: S101
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in {field.alias or own for own, field in model.model_fields.items()}:
            raise InvalidRequest(f"{name[:40]!a} is not a parameter of this request.")
        if name in values:
            raise InvalidRequest(f"{name}: given more than once.")
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        raise _invalid(failure) from None


async def whole(request: Request) -> bytes:
    """Return the request's body.  Raises InvalidRequest for a client that went away in its middle, and TooLarge."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise InvalidRequest("The body broke off.") from None


def parse_object(content: bytes) -> dict[str, Any]:
    """Parse a body that has to be one JSON object.  Raises InvalidRequest."""
    try:
        return strict_json.parse_object(content)
    except BadJson as problem:
        raise InvalidRequest(f"The body is no JSON object with one meaning: {problem}.") from None


def _invalid(failure: ValidationError) -> InvalidRequest:
    errors = failure.errors(include_input=False, include_url=False, include_context=False)
    members = [".".join(str(part) for part in error["loc"]) or "body" for error in errors]
    sentences = [
        f"{_shown(member)}: {error['msg'].removeprefix('Value error, ')}"
        for member, error in zip(members, errors, strict=True)
    ]
    return InvalidRequest(
        "; ".join(sentences[:5]) + ".", details={"members": [_shown(member) for member in members[:20]]}
    )


def _shown(member: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in member)[:120]
