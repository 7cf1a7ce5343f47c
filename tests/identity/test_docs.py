"""What the documentation shows works."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from vendor.identity.trust import load_trust
from vendor.identity.trust_schema import trust_schema

ROOT = Path(__file__).parents[2]
SNIPPETS = re.findall(r"^```toml\n(.*?)^```", (ROOT / "docs/identity.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
SCHEMA = ROOT / "policies" / "trust.schema.json"


def name_of(snippet: str) -> str:
    return "+".join(re.findall(r'^name = "(.*)"', snippet, re.MULTILINE)[:2])


@pytest.mark.parametrize("snippet", SNIPPETS, ids=name_of)
def test_every_snippet_is_a_good_trust_file(snippet: str, trust_file: Path) -> None:
    trust_file.write_text(snippet, encoding="utf-8")

    trust = load_trust(trust_file, own_issuer_url="https://vendor.example.org")

    assert trust.sources
    jsonschema.validate(tomllib.loads(snippet), json.loads(SCHEMA.read_text("utf-8")))


def test_the_recipes_are_all_there() -> None:
    text = (ROOT / "docs/identity.md").read_text("utf-8")
    assert all(f"### {title}" in text for title in ("Keycloak", "KBase", "A Kubernetes cluster", "GitHub Actions"))
    assert len(SNIPPETS) == 7


def test_the_shipped_file_trusts_nobody() -> None:
    assert load_trust(ROOT / "policies" / "trust.toml").sources == ()


def test_the_schema_is_up_to_date() -> None:
    hint = "write it anew: python -m vendor.identity.trust_schema > policies/trust.schema.json"
    assert SCHEMA.read_text("utf-8") == trust_schema(), hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"version": 1, "issuers": []},
        {"version": 1, "issuer": [{"name": "x"}]},
        {"version": 1, "kbase": [{"name": "a", "url": "https://k", "cache_seconds": "long"}]},
        {"version": 1, "kbase": [{"name": "a", "url": "https://k"}, {"name": "b", "url": "https://k"}]},
    ],
)
def test_the_schema_finds_mistakes(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json.loads(SCHEMA.read_text("utf-8")))


def test_the_schema_wants_one_operator_in_a_condition() -> None:
    conditions = json.loads(SCHEMA.read_text("utf-8"))
    schema = {**conditions, "$ref": "#/$defs/Condition", "properties": {}}
    schema.pop("additionalProperties"), schema.pop("required")
    jsonschema.validate({"claim": "a", "equals": "x"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"claim": "a", "equals": "x", "absent": True}, schema)
