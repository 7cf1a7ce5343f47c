"""Request bodies: strict JSON into typed models.

Strict means: one media type, no content encoding, bounded, UTF-8, no repeated and no unknown members, no NaN, no
number where a text belongs.  The message of a refusal names the member.
"""

import json
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from vendor.errors import InvalidRequest, UnsupportedMediaType

MAX_DEPTH: Final = 16
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
    content = await request.body()
    if content and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("The body is not declared as JSON.")
    try:
        return model.model_validate(parse_object(content) if content else {})
    except ValidationError as failure:
        raise _invalid(failure) from None


def parse_object(content: bytes) -> dict[str, Any]:
    """Parse a body that has to be one JSON object.  Raises InvalidRequest."""
    try:
        text = content.decode("utf-8")
        if _too_deep(text):
            raise InvalidRequest("The body is nested too deeply.")
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not valid JSON in UTF-8.") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body is not a JSON object.")
    return parsed


def _too_deep(text: str) -> bool:
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest > MAX_DEPTH


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest("A member occurs twice in the same object.")
    return members


def _no_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not JSON.")


def _invalid(failure: ValidationError) -> InvalidRequest:
    errors = failure.errors(include_input=False, include_url=False, include_context=False)
    members = [".".join(str(part) for part in error["loc"]) or "body" for error in errors]
    sentences = [f"{_shown(member)}: {error['msg']}" for member, error in zip(members, errors, strict=True)]
    return InvalidRequest(
        "; ".join(sentences[:5]) + ".", details={"members": [_shown(member) for member in members[:20]]}
    )


def _shown(member: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in member)[:120]
