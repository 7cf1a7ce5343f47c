"""The OpenAPI document that a running gateway serves, against MMS's own, as far as its clients are generated from it.

`contract.json` is the table of MMS's paths, methods, parameters and fields.  What may differ is documented in
docs/mms.md: what answers 501, and the operations of the second generation that are kept.
"""

from typing import Any

import pytest

from tests.mms.generated import OPERATIONS, SCHEMAS
from tests.mms.test_contract import ABSENT, OF_THE_SECOND_GENERATION
from tests.support.gateways import api
from vendor.dev.stack import Stack


@pytest.fixture(scope="module")
def served(seaweedfs_stack: Stack) -> dict[str, Any]:
    """The document."""
    with api(seaweedfs_stack, None) as nobody:
        found: dict[str, Any] = nobody.call("GET", "/openapi.json").json()
    return found


def operation(served: dict[str, Any], name: str) -> dict[str, Any]:
    method, _, path = name.partition(" ")
    found: dict[str, Any] = served["paths"][path][method.lower()]
    return found


def test_it_has_mms_operations_and_no_other_beside_the_native_ones(served: dict[str, Any]) -> None:
    tagged = {
        f"{method.upper()} {path}"
        for path, item in served["paths"].items()
        for method, one in item.items()
        if one["tags"] == ["mms"]
    }

    assert tagged == set(OPERATIONS) | OF_THE_SECOND_GENERATION


@pytest.mark.parametrize("name", OPERATIONS)
def test_parameters_and_bodies(served: dict[str, Any], name: str) -> None:
    wanted, found = OPERATIONS[name], operation(served, name)
    parameters = {(one["in"], one["name"]): one for one in found["parameters"] if "name" in one}

    for parameter, how in wanted.get("parameters", {}).items():
        one = parameters[how["in"], parameter]
        assert one["required"] is how["required"]
        _compare(how, one["schema"])
    assert {name for place, name in parameters if place == "path"} == {
        parameter for parameter, how in wanted.get("parameters", {}).items() if how["in"] == "path"
    }
    assert ("requestBody" in found) is ("body" in wanted)
    if "body" in wanted:
        assert found["requestBody"]["required"] is wanted["body_required"]
        kinds = _kinds(served, found["requestBody"]["content"]["application/json"]["schema"])
        assert ({"type": "null"} in kinds) is not wanted["body_required"]
        schema = kinds[0]
        fields = SCHEMAS[wanted["body"]]["fields"]
        assert set(schema.get("required", ())) == {field for field in fields if not field.endswith("?")}
        for field, kind in fields.items():
            _hold_kind(served, kind, schema["properties"][field.removesuffix("?")], field)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - ABSENT))
def test_answers(served: dict[str, Any], name: str) -> None:
    found = operation(served, name)
    for status, kind in OPERATIONS[name]["answers"].items():
        answer = found["responses"][status]
        if kind is not None:  # else MMS declares no form, or there is no body
            _hold_kind(served, kind, answer["content"]["application/json"]["schema"], name)
        assert ("content" in answer) is (status != "204")


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_what_is_not_offered_says_so(served: dict[str, Any], name: str) -> None:
    assert "501" in operation(served, name)["responses"]


def _compare(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for fact in ("type", "default", "minimum", "enum", "minLength"):
        if fact in wanted:
            assert found[fact] == wanted[fact]
    assert found.get("maximum", 10**9) >= wanted.get("maximum", 10**9)


def _resolved(served: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = served["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _kinds(served: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [_resolved(served, one) for one in schema.get("anyOf", [schema])]


def _hold_kind(served: dict[str, Any], kind: str, schema: dict[str, Any], place: str) -> None:
    """Hold a schema against a kind of the table: a client made for the kind accepts what the schema allows."""
    kinds = [one for one in _kinds(served, schema) if one != {"type": "null"}]
    assert len(kinds) == len(_kinds(served, schema)) or kind.endswith("?"), f"{place}: may be null"
    plain = kind.removesuffix("?")
    for one in kinds:
        if plain.startswith("["):
            assert one["type"] == "array", place
            _hold_kind(served, plain[1:-1], one["items"], f"{place}[]")
        elif plain in SCHEMAS and "fields" in SCHEMAS[plain]:
            _hold_fields(served, plain, one, place)
        else:
            _hold_scalar(plain, one, place)


def _hold_fields(served: dict[str, Any], kind: str, schema: dict[str, Any], place: str) -> None:
    for field, inner in SCHEMAS[kind]["fields"].items():
        name = field.removesuffix("?")
        assert name in schema["properties"], f"{place}: there is no {name}"
        assert field.endswith("?") or name in schema["required"], f"{place}: {name} may be missing"
        _hold_kind(served, inner, schema["properties"][name], f"{place}.{name}")


def _hold_scalar(kind: str, schema: dict[str, Any], place: str) -> None:
    if kind in SCHEMAS:
        told = schema.get("enum", [schema["const"]] if "const" in schema else None)
        assert told is None or set(told) <= set(SCHEMAS[kind]["enum"]), place
    elif kind.startswith("one of "):
        assert set(schema["enum"]) <= set(kind.split()[2:]), place
    elif kind == "date-time":
        assert schema["format"] == "date-time", place
    elif ">=" in kind:
        assert schema["type"] == "string", place
        assert schema.get("minLength", 0) >= int(kind.partition(">=")[2]), place
    elif "|" in kind:
        assert schema["type"] in {"string", "array"}, place
    else:
        assert schema["type"] == kind, place
