"""Answers held against the OpenAPI document: the status, the headers and the shape have to be those it tells of.

Shapes are closed for this: a member that the document does not name is a fault, too.
"""

import copy
import json
import re
from functools import cache
from typing import Any

import httpx2
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from vendor.doors.openapi import document
from vendor.doors.table import sheets
from vendor.times import parse_rfc3339

_ROOT = "urn:vendor:api"
_FORMATS = FormatChecker(formats=())


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or parse_rfc3339(value) > 0


_FORMATS.checks("date-time", raises=ValueError)(_is_time)


@cache
def described() -> dict[str, Any]:
    """The document, as it is served."""
    return document(sheets())


def closed() -> dict[str, Any]:
    """The document with no room in answers for members that it does not name."""
    strict = copy.deepcopy(described())
    operations = [one for item in strict["paths"].values() for one in item.values()]
    asked = _named(strict, [one.get("requestBody", {}) for one in operations])
    for name, schema in strict["components"]["schemas"].items():
        if "properties" in schema and name not in asked:
            schema.setdefault("additionalProperties", False)
    return strict


def _named(whole: dict[str, Any], part: Any) -> set[str]:
    """Return the names of all schemas that a part of the document refers to, directly or not."""
    found: set[str] = set()
    open_ends = re.findall(r"#/components/schemas/(\w+)", json.dumps(part))
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends += re.findall(r"#/components/schemas/(\w+)", json.dumps(whole["components"]["schemas"][name]))
    return found


@cache
def _closed() -> dict[str, Any]:
    return closed()


@cache
def _registry() -> Any:
    return Registry().with_resource(_ROOT, DRAFT202012.create_resource(_closed()))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(described()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return the template of a path, and what the document says of the method there."""
    for pattern, template in _patterns():
        if pattern.fullmatch(path):
            found = described()["paths"][template].get(method.lower())
            return None if found is None else (template, found)
    return None


def held(answer: httpx2.Response) -> httpx2.Response:
    """Return an answer that is as the document says; fail for any other."""
    method, path = answer.request.method, answer.request.url.path
    found = operation_of(method, path)
    if found is None:
        assert answer.status_code in {307, 404, 405}, f"{method} {path} is not in the document"
        return answer
    template, operation = found
    status = str(answer.status_code)
    where = f"{method} {path}: {status}"
    assert status in operation["responses"], f"{where} is not in the document: {answer.text[:300]}"
    told = operation["responses"][status]
    for name in told["headers"]:
        required = described()["components"]["headers"][name].get("required", False)
        assert not required or name in answer.headers, f"{where}: there is no {name}"
    if "content" not in told:
        assert answer.content == b"", f"{where}: a body that is not in the document"
        return answer
    media = answer.headers["content-type"].partition(";")[0]
    assert media in told["content"], f"{where}: {media}"
    if media == "application/json":
        parts = ["paths", template, method.lower(), "responses", status, "content", media, "schema"]
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
        _hold(json.loads(answer.content), pointer, where)
    return answer


def _hold(value: Any, pointer: str, where: str) -> None:
    problems = [
        f"{where}: {problem.json_path}: {problem.message[:300]}" for problem in _validator(pointer).iter_errors(value)
    ]
    assert not problems, "; ".join(problems[:5])


@cache
def _validator(pointer: str) -> Draft202012Validator:
    schema = {"$ref": f"{_ROOT}#/{pointer.replace('{', '%7B').replace('}', '%7D')}"}
    return Draft202012Validator(schema, registry=_registry(), format_checker=_FORMATS)
