"""The OpenAPI 3.1 document, made from the operations that the routes are made from.

Nothing about a route is written here: paths, models, refusals and examples are those of the declarations, and JSON
schemas are pydantic's.  What all operations have in common (the tokens, the headers) is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from vendor import __version__
from vendor.doors.answers import answer_of
from vendor.doors.operation import Link, Reply
from vendor.doors.sheet import Sheet

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = (
    "Short-lived S3 keys to exactly the data you may touch. Show an identity token, get a lease with temporary keys, "
    "and talk to the store directly. Times are RFC 3339 in UTC, durations whole seconds. Unknown members of bodies and "
    "unknown parameters are refused. Operations tagged `mms` are those of the MinIO Manager Service, in its forms."
)
_SECURITY: Final = {
    "identity": {
        "type": "http",
        "scheme": "bearer",
        "description": "An identity token: a JWT of a trusted OpenID provider, or a KBase token.",
    },
    "lease": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "vlt_…",
        "description": "The token of one lease, from the answer that began it. It renews that lease and ends it.",
    },
}
_REQUEST_ID: Final = {"type": "string", "description": "Names the request in logs and in the audit trail."}
_HEADERS: Final = {
    "X-Request-Id": {"description": "Names this request; a caller's own valid one is kept.", "schema": _REQUEST_ID},
    "ETag": {
        "description": "The revision of what was answered, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "X-Next": {
        "description": "Where to go on reading (`after`), also at the end.",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-More": {
        "description": "Whether there is more already.",
        "required": True,
        "schema": {"enum": ["true", "false"]},
    },
    "Retry-After": {"description": "When to try again, in seconds.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "Which token is missing, and why (RFC 6750).", "schema": {"type": "string"}},
}
_PARAMETERS: Final = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "8 to 64 letters, digits, '.', '_' and '-' to find the request by; anything else is replaced.",
        "schema": {"type": "string"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of what is to be changed, or `*`; 412 if it is no longer that.",
        "schema": {"type": "string", "pattern": '^(\\*|"[0-9]{1,18}")$'},
    },
}
_OF_STATUS: Final[Mapping[int, Sequence[str]]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_WORDS: Final[Mapping[int, str]] = {
    200: "Done.",
    201: "Created.",
    204: "Done; there is nothing to say.",
    207: "Done in part; `errors` says what was not.",
    501: "Not offered here.",
}


class _Plain(GenerateJsonSchema):
    """Without the titles that pydantic derives from names: they say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Return the whole document, for the gateway that it is served by."""
    schemas, components = _schemas(sheets)
    paths: dict[str, dict[str, Any]] = {}
    for sheet in sheets:
        paths.setdefault(sheet.path, {})[sheet.method.lower()] = _operation(sheet, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vendor",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(sheet.tag for sheet in sheets)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": _SECURITY,
            "headers": _HEADERS,
            "parameters": _PARAMETERS,
        },
    }


def _schemas(sheets: Sequence[Sheet]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the schema of every type by its key (see `_key`), and what they refer to."""
    types = {_key(sheet.body, "validation"): sheet.body for sheet in sheets if sheet.body is not None}
    answers = [reply.body for sheet in sheets for reply in sheet.replies.values() if reply.body is not None]
    types |= {_key(body, "serialization"): body for body in answers}
    inputs: list[Any] = [(key, key.partition(" ")[0], TypeAdapter(kind)) for key, kind in types.items()]
    found, defined = TypeAdapter.json_schemas(inputs, ref_template=_REF, schema_generator=_Plain)
    return {str(key): dict(schema) for (key, _), schema in found.items()}, defined.get("$defs", {})


def _key(kind: Any, mode: str) -> str:
    return f"{mode} {kind!r}"


def _operation(sheet: Sheet, schemas: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": sheet.id, "tags": [sheet.tag], "summary": sheet.summary}
    if sheet.description:
        described["description"] = sheet.description
    described["parameters"] = [*_in_path(sheet), *_in_query(sheet), *_in_headers(sheet)]
    if sheet.body_media is not None:
        described["requestBody"] = _body(sheet, sheet.body_media, schemas)
    described["responses"] = {
        str(status): _response(status, reply, schemas) for status, reply in sorted(sheet.replies.items())
    }
    answer = answer_of(sheet.id)
    if answer is not None:
        (content,) = described["responses"][str(answer.status)]["content"].values()
        content["example"] = answer.body
    described["security"] = [{scheme: []} for scheme in sheet.security]
    return described


def _in_path(sheet: Sheet) -> list[dict[str, Any]]:
    given = sheet.example.path if sheet.example is not None else {}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": place.what,
            "schema": dict(place.schema),
            "example": given.get(name, place.example),
        }
        for name, place in sheet.places.items()
    ]


def _in_query(sheet: Sheet) -> list[dict[str, Any]]:
    if sheet.query is None:
        return []
    schema = sheet.query.model_json_schema(schema_generator=_Plain)
    given = sheet.example.query if sheet.example is not None else {}
    described = []
    for name, found in schema["properties"].items():
        one = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        plain = _without_null(found)
        if text := plain.pop("description", None):
            one["description"] = text
        one["schema"] = plain
        if name in given:
            one["example"] = _typed(given[name], plain)
        described.append(one)
    return described


def _in_headers(sheet: Sheet) -> list[dict[str, Any]]:
    names = ["IfMatch", "RequestId"] if sheet.if_match else ["RequestId"]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out: nothing stands for null in a query."""
    plain = dict(schema)
    kinds = [kind for kind in plain.pop("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        plain = {**kinds[0], **plain}
    elif kinds:
        plain["anyOf"] = kinds
    if plain.get("default", ...) is None:
        del plain["default"]
    return plain


def _typed(text: str, schema: Mapping[str, Any]) -> object:
    """Return a value of a query as JSON knows it."""
    if schema.get("type") == "integer":
        return int(text)
    return text == "true" if schema.get("type") == "boolean" else text


def _body(sheet: Sheet, media: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if sheet.body is None else schemas[_key(sheet.body, "validation")]
    content: dict[str, Any] = {"schema": {"anyOf": [schema, {"type": "null"}]} if sheet.body_nullable else schema}
    if sheet.example is not None and sheet.example.body is not None:
        content["example"] = sheet.example.body
    return {"required": sheet.body_required, "content": {media: content}}


def _response(status: int, reply: Reply, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the answer of one status."""
    names = ("X-Request-Id", *reply.headers, *_OF_STATUS.get(status, ()))
    described: dict[str, Any] = {
        "description": reply.what or _WORDS.get(status, "Refused."),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    schema = _of_reply(reply, schemas)
    if schema is not None:
        described["content"] = {reply.media: {"schema": schema}}
    if reply.links:
        described["links"] = {link.operation: _link(link) for link in reply.links}
    return described


def _of_reply(reply: Reply, schemas: Mapping[str, Any]) -> dict[str, Any] | None:
    own = dict(reply.schema) if reply.schema is not None else None
    if reply.body is None:
        return own
    found: dict[str, Any] = schemas[_key(reply.body, "serialization")]
    return {"allOf": [found, own]} if own is not None else found


def _link(link: Link) -> dict[str, Any]:
    parameters = {name: f"$response.body#{pointer}" for name, pointer in link.parameters.items()}
    return {"operationId": link.operation, "parameters": parameters}
