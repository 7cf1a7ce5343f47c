"""Read answers as MMS's generated Python clients do: every required field taken out, every type, enum and time parsed.

`contract.json` beside this module is a table derived from MMS's OpenAPI document: its paths, methods, parameters and
fields.  A field name that ends in `?` may be missing, a type that ends in `?` may be null.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parent / "contract.json").read_text())
OPERATIONS: dict[str, dict[str, Any]] = CONTRACT["operations"]
SCHEMAS: dict[str, dict[str, Any]] = CONTRACT["schemas"]


@dataclass(frozen=True)
class Generation:
    """One generation of clients: where its required fields differ from the contract's."""

    name: str
    fields: dict[str, dict[str, str]] = field(default_factory=dict)

    def of(self, schema: str) -> dict[str, str]:
        """Return the fields of a schema as this generation knows them."""
        known: dict[str, str] = self.fields.get(schema) or SCHEMAS[schema]["fields"]
        return known

    def __str__(self) -> str:
        return self.name


def _renamed(schema: str, *more: str, drop: tuple[str, ...] = ()) -> dict[str, str]:
    """The fields of a schema before `s3_` was put in front of two of them."""
    old = {name.removeprefix("s3_"): kind for name, kind in SCHEMAS[schema]["fields"].items() if name not in drop}
    return old | dict.fromkeys(more, "string>=1")


_PAIR = {"username": "string>=1", "access_key": "string>=1", "secret_key": "string>=1"}
_POLARIS = ("polaris_client_id", "polaris_client_secret")
_OLD = {
    "CredentialsResponse": _PAIR,
    "UserModel": _renamed("UserModel"),
    "UserManagementResponse": _renamed("UserManagementResponse", drop=_POLARIS),
    "GroupManagementResponse": _renamed("GroupManagementResponse", "policy_name"),
    "HealthResponse": {"status": "string"},
}
GENERATIONS = [Generation("A", _OLD), Generation("B", _OLD), Generation("C")]


def parse(kind: str, value: Any, generation: Generation, place: str = "answer") -> None:
    """Fail as a generated client of this generation would, or be stricter."""
    if kind.endswith("?"):
        if value is not None:
            parse(kind[:-1], value, generation, place)
    elif kind.startswith("["):
        assert isinstance(value, list), place
        for number, entry in enumerate(value):
            parse(kind[1:-1], entry, generation, f"{place}[{number}]")
    elif "|" in kind and kind not in SCHEMAS:
        _any_of(kind.split("|"), value, generation, place)
    elif kind in SCHEMAS:
        _schema(kind, value, generation, place)
    else:
        _scalar(kind, value, place)


def _schema(kind: str, value: Any, generation: Generation, place: str) -> None:
    if "enum" in SCHEMAS[kind]:
        assert value in SCHEMAS[kind]["enum"], f"{place}: {value!r} is no {kind}"
        return
    assert isinstance(value, dict), place
    for name, inner in generation.of(kind).items():
        plain = name.removesuffix("?")
        if plain in value:
            parse(inner, value[plain], generation, f"{place}.{plain}")
        else:
            assert name.endswith("?"), f"{place}: {plain} is missing"


def _any_of(kinds: list[str], value: Any, generation: Generation, place: str) -> None:
    problems = []
    for kind in kinds:
        try:
            return parse(kind, value, generation, place)
        except AssertionError as problem:
            problems.append(str(problem))
    raise AssertionError("; ".join(problems))


def _scalar(kind: str, value: Any, place: str) -> None:
    if kind == "integer":
        assert type(value) is int, f"{place}: {value!r}"
        assert value >= 0, f"{place}: {value!r}"
    elif kind == "boolean":
        assert type(value) is bool, f"{place}: {value!r}"
    elif kind == "object":
        assert isinstance(value, dict), f"{place}: {value!r}"
    else:
        assert isinstance(value, str), f"{place}: {value!r}"
        if kind == "date-time":
            datetime.fromisoformat(value)
        elif kind.startswith("one of "):
            assert value in kind.split()[2:], f"{place}: {value!r}"
        elif ">=" in kind:
            assert len(value) >= int(kind.partition(">=")[2]), f"{place}: {value!r}"
        else:
            assert kind == "string", f"{place}: unknown type {kind}"
