"""Conditions mean exactly what they say: no truthiness, no substrings, no half matches."""

import time
from typing import Any

import pytest
from pydantic import ValidationError

from vendor.identity.conditions import Condition, claim

CLAIMS: dict[str, Any] = {
    "text": "value",
    "number": 1,
    "yes": True,
    "list": ["a", 1, "b"],
    "object": {"inner": {"text": "deep"}, "list": ["x"]},
    "dotted.name": "flat",
    "null": None,
    "long": "a" * 257,
}


def holds(**condition: Any) -> bool:
    frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in condition.items()}
    return Condition.model_validate(frozen).why_not(CLAIMS) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"claim": "text", "equals": "value"}, True),
        ({"claim": "text", "equals": "Value"}, False),
        ({"claim": "text", "equals": "val"}, False),
        ({"claim": "number", "equals": 1}, True),
        ({"claim": "number", "equals": True}, False),
        ({"claim": "number", "equals": "1"}, False),
        ({"claim": "yes", "equals": True}, True),
        ({"claim": "yes", "equals": 1}, False),
        ({"claim": "yes", "equals": "true"}, False),
        ({"claim": "list", "equals": "a"}, False),
        ({"claim": "missing", "equals": "x"}, False),
        ({"claim": "text", "in": ["other", "value"]}, True),
        ({"claim": "text", "in": ["other"]}, False),
        ({"claim": "list", "in": ["a"]}, False),
        ({"claim": "list", "contains": "a"}, True),
        ({"claim": "list", "contains": 1}, True),
        ({"claim": "list", "contains": True}, False),
        ({"claim": "list", "contains": "ab"}, False),
        ({"claim": "text", "contains": "value"}, False),
        ({"claim": "text", "contains": "val"}, False),
        ({"claim": "object", "contains": "inner"}, False),
        ({"claim": "text", "matches": "v.*"}, True),
        ({"claim": "text", "matches": "alu"}, False),
        ({"claim": "text", "matches": "val|value"}, True),
        ({"claim": "text", "matches": "x|val"}, False),
        ({"claim": "text", "matches": "value$"}, True),
        ({"claim": "number", "matches": "1"}, False),
        ({"claim": "list", "matches": ".*"}, False),
        ({"claim": "long", "matches": "a*"}, False),
        ({"claim": "missing", "absent": True}, True),
        ({"claim": "text", "absent": True}, False),
        ({"claim": "null", "absent": True}, False),
        ({"claim": "text", "absent": False}, True),
        ({"claim": "missing", "absent": False}, False),
        ({"claim": ["object", "inner", "text"], "equals": "deep"}, True),
        ({"claim": ["object", "list"], "contains": "x"}, True),
        ({"claim": ["text", "inner"], "equals": "deep"}, False),
        ({"claim": "object.inner.text", "equals": "deep"}, False),
        ({"claim": "dotted.name", "equals": "flat"}, True),
        ({"claim": ["dotted", "name"], "equals": "flat"}, False),
    ],
)
def test_a_condition_holds_exactly_when_it_should(condition: dict[str, Any], expected: bool) -> None:
    assert holds(**condition) is expected


def test_a_newline_at_the_end_is_part_of_the_value() -> None:
    condition = Condition.model_validate({"claim": "a", "matches": "[a-z]+"})
    assert condition.why_not({"a": "abc"}) is None
    assert condition.why_not({"a": "abc\n"}) is not None


def test_the_reason_never_quotes_the_token() -> None:
    for operator in ({"equals": "x"}, {"in": ("x",)}, {"contains": "x"}, {"matches": "x"}):
        said = Condition.model_validate({"claim": "a", **operator}).why_not({"a": "canary"})
        assert said is not None
        assert "canary" not in said


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*b", "(?:a*)*", "a*a*a*a*b", "(a)\\1", "(?i)a", "(?<=a)b", "["])
def test_expensive_and_strange_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate({"claim": "a", "matches": pattern})


@pytest.mark.parametrize("pattern", ["a*a*a*b", ".*.*.*x", "[a-z]+.*[0-9]*x", "(a|aa)?(a|aa)?(a|aa)?.*.*.*x"])
def test_the_worst_allowed_pattern_is_still_cheap(pattern: str) -> None:
    condition = Condition.model_validate({"claim": "a", "matches": pattern})
    started = time.process_time()
    assert condition.why_not({"a": "a" * 256}) is not None
    assert time.process_time() - started < 1.0


def test_paths() -> None:
    assert claim(CLAIMS, ("object", "inner", "text")) == "deep"
    assert claim(CLAIMS, "null") is None
