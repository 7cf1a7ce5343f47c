"""Request bodies: strict JSON into typed models.

Strict means: one media type, no content encoding, bounded, UTF-8, no repeated and no unknown members, no NaN, no
number where a text belongs.  The message of a refusal names the member.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request

from vendor import strict_json
from vendor.errors import InvalidRequest, UnsupportedMediaType
from vendor.strict_json import BadJson

_Model = TypeVar("_Model", bound=BaseModel)


class Body(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


async def read(request: Request, model: type[_Model]) -> _Model:
    """Read the request's body as `model`.  An absent body is an empty object.

    Raises InvalidRequest, UnsupportedMediaType, and TooLarge (from the size limit in front of all doors).
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is encoded.")
    content = await whole(request)
    if content and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("The body is not declared as JSON.")
    try:
        return model.model_validate(parse_object(content) if content else {})
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
    sentences = [f"{_shown(member)}: {error['msg']}" for member, error in zip(members, errors, strict=True)]
    return InvalidRequest(
        "; ".join(sentences[:5]) + ".", details={"members": [_shown(member) for member in members[:20]]}
    )


def _shown(member: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in member)[:120]
