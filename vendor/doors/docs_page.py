"""The browsable page of the API: the OpenAPI document as plain HTML.

There is no script in it.  The page lies on the origin that hands out keys, so it is to be read and cannot be typed
into; its policy allows nothing but its own style sheet.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vendor.doors.html import Element, Node, el

_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def page(document: Mapping[str, Any], style: str) -> str:
    """Return the page; `style` is where its style sheet is, relative to it."""
    info = document["info"]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{info['title']} API"),
        el("link", rel="stylesheet", href=style),
    )
    body = el("body", _contents(document), el("main", _introduction(document), _operations(document), _types(document)))
    return "<!DOCTYPE html>\n" + el("html", head, body, lang="en").render()


def _introduction(document: Mapping[str, Any]) -> Element:
    schemes = document["components"]["securitySchemes"]
    tokens = [el("li", el("code", name), ": ", one["description"]) for name, one in schemes.items()]
    return el(
        "section",
        el("h1", f"{document['info']['title']} API"),
        el("p", document["info"]["description"]),
        el("p", "For programs: ", el("a", "openapi.json", href="openapi.json"), ". Bearer tokens are of two kinds:"),
        el("ul", tokens),
    )


def _each(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _contents(document: Mapping[str, Any]) -> Element:
    entries: list[Node] = []
    for tag in document["tags"]:
        ours = [one for one in _each(document) if tag["name"] in one[2]["tags"]]
        links = [
            el("li", el("a", el("b", method), f" {path}", href=f"#{one['operationId']}")) for method, path, one in ours
        ]
        entries.append(el("details", el("summary", tag["name"]), el("ul", links)))
    return el("nav", entries, el("p", el("a", "types", href="#types")))


def _operations(document: Mapping[str, Any]) -> list[Element]:
    return [
        el(
            "section",
            el("h2", tag["name"], id=f"tag-{tag['name']}"),
            [_operation(document, *one) for one in _each(document) if tag["name"] in one[2]["tags"]],
        )
        for tag in document["tags"]
    ]


def _operation(document: Mapping[str, Any], method: str, path: str, described: Mapping[str, Any]) -> Element:
    tokens = " or ".join(scheme for one in described["security"] for scheme in one)
    parts: list[Node] = [el("p", described.get("description", described["summary"] + "."))]
    parts.append(el("p", "Token: ", el("code", tokens) if tokens else "none"))
    parts += _parameters(document, described)
    for media, content in described.get("requestBody", {}).get("content", {}).items():
        parts.append(el("p", "Body (", el("code", media), "): ", *_type(content["schema"])))
        if "example" in content:
            parts.append(_block(content["example"]))
    rows = [_answer(status, one) for status, one in described["responses"].items()]
    parts.append(el("table", el("tr", el("th", "status"), el("th", "what"), el("th", "body")), rows))
    parts += _example_answers(described)
    title = el("summary", el("b", method, class_=method.lower()), " ", el("code", path), " ", described["summary"])
    return el("details", title, parts, id=described["operationId"])


def _parameters(document: Mapping[str, Any], described: Mapping[str, Any]) -> list[Node]:
    rows = []
    for given in described["parameters"]:
        name = given.get("$ref", "").rpartition("/")[2]
        one = document["components"]["parameters"][name] if name else given
        needed = " (required)" if one.get("required") else ""
        rows.append(
            el(
                "tr",
                el("td", el("code", one["name"])),
                el("td", one["in"] + needed),
                el("td", *_type(one["schema"])),
                el("td", one.get("description", ""), f" Example: {one['example']}" if "example" in one else ""),
            )
        )
    heads = [el("th", text) for text in ("parameter", "in", "type", "")]
    return [el("table", el("tr", heads), rows)]


def _example_answers(described: Mapping[str, Any]) -> Iterator[Node]:
    for status, answer in described["responses"].items():
        for content in answer.get("content", {}).values():
            if "example" in content:
                yield el("p", f"For example, {status}:")
                yield _block(content["example"])


def _answer(status: str, answer: Mapping[str, Any]) -> Element:
    bodies: list[Node] = []
    for media, content in answer.get("content", {}).items():
        bodies += [*_type(content["schema"]), "" if media == "application/json" else f" as {media}"]
    return el("tr", el("td", status), el("td", answer["description"]), el("td", bodies))


def _types(document: Mapping[str, Any]) -> Element:
    shown = [_object(name, schema) for name, schema in document["components"]["schemas"].items()]
    return el("section", el("h2", "types", id="types"), shown)


def _object(name: str, schema: Mapping[str, Any]) -> Element:
    rows = [
        el(
            "tr",
            el("td", el("code", member), "" if member in schema.get("required", ()) else "?"),
            el("td", *_type(one)),
            el("td", one.get("description", "")),
        )
        for member, one in schema.get("properties", {}).items()
    ]
    return el("div", el("h3", name, id=f"type-{name}"), el("p", schema.get("description", "")), el("table", rows))


def _type(schema: Mapping[str, Any]) -> list[Node]:
    """Say in a few words what a schema allows; named types are links."""
    for several, word in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " with ")):
        if several in schema:
            return _joined(schema[several], word)
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return [el("a", name, href=f"#type-{name}")]
    if "enum" in schema:
        return [" | ".join(json.dumps(value) for value in schema["enum"])]
    if "const" in schema:
        return [json.dumps(schema["const"])]
    if schema.get("type") == "array":
        return ["list of ", *_type(schema.get("items", {}))]
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return ["by name: ", *_type(schema["additionalProperties"])]
    return [_plain(schema)]


def _joined(schemas: list[Mapping[str, Any]], word: str) -> list[Node]:
    nodes: list[Node] = []
    for number, one in enumerate(schemas):
        nodes += [word, *_type(one)] if number else _type(one)
    return nodes


def _plain(schema: Mapping[str, Any]) -> str:
    """Name a type of JSON, with its bounds."""
    names = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤", "pattern": "like"}
    kind = schema.get("format") or schema.get("type") or ("object" if "properties" in schema else "anything")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    bounds = [f"{word} {schema[name]}" for name, word in names.items() if name in schema]
    if schema.get("default") is not None:
        bounds.append(f"else {json.dumps(schema['default'])}")
    return f"{kind} ({', '.join(bounds)})" if bounds else str(kind)


def _block(value: object) -> Element:
    return el("pre", value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
