"""Requests as the framework behind MMS reads them: what does not have the agreed form is a 422 with its list."""

import math
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from vendor.doors.body import parse_object, whole
from vendor.doors.mms.errors import Invalid
from vendor.errors import InvalidRequest

_Model = TypeVar("_Model", bound=BaseModel)
_SHOWN: Final = 200  # characters of a refused value that are sent back
_LISTED: Final = 50


async def read_body(request: Request, model: type[_Model], *, optional: bool = False) -> _Model:
    """Read a JSON body.  With `optional` an absent body and `null` mean all defaults.  Raises Invalid, TooLarge,
    and InvalidRequest for half a body."""
    content = await whole(request)
    if not content or (optional and content.strip() == b"null"):
        if not optional:
            raise Invalid([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}])
        return _validated(model, {}, "body")
    declared = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if encoded or not (declared == "application/json" or declared.endswith("+json")):
        raise Invalid([_problem("model_attributes_type", ["body"], "Input should be a JSON object, declared as such")])
    try:
        members = parse_object(content)
    except InvalidRequest as problem:
        context = {"error": problem.message}
        raise Invalid([_problem("json_invalid", ["body", 0], "JSON decode error", ctx=context)]) from None
    return _validated(model, members, "body")


def read_query(request: Request, model: type[_Model]) -> _Model:
    """Read the query.  Of a parameter that is repeated the last value counts; unknown ones are ignored."""
    return _validated(model, dict(request.query_params.multi_items()), "query")


def _validated(model: type[_Model], members: dict[str, Any], place: str) -> _Model:
    try:
        return model.model_validate(members)
    except ValidationError as failure:
        raise Invalid([_shown(problem, place) for problem in failure.errors(include_url=False)[:_LISTED]]) from None


def _shown(problem: Any, place: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "type": problem["type"],
        "loc": [place, *(part if isinstance(part, int) else _cut(part) for part in problem["loc"])],
        "msg": problem["msg"],
        "input": _cut(problem["input"]),
    }
    if "ctx" in problem:  # a validator of ours puts its exception there
        context = problem["ctx"].items()
        shown["ctx"] = {name: str(value) if isinstance(value, Exception) else value for name, value in context}
    return shown


def _cut(value: object) -> object:
    """Return a value as it is sent back: whole if it is short, else not at all or its beginning."""
    if isinstance(value, str):
        return value[:_SHOWN]
    plain = value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else {}


def _problem(kind: str, place: list[str | int], message: str, **more: object) -> dict[str, object]:
    return {"type": kind, "loc": place, "msg": message, "input": {}, **more}
