"""The JSON Schema of the trust file, for editors: `policies/trust.schema.json` is what this returns.

Write it anew with `python -m vendor.identity.trust_schema > policies/trust.schema.json`.
"""

import json
import sys
from typing import Any

from vendor.identity.trust_shape import TrustFile


def trust_schema() -> str:
    """Return the schema as text."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vendor trust file",
        **_plain(TrustFile.model_json_schema(by_alias=True)),
    }
    operators = ("equals", "in", "contains", "matches", "absent")
    schema["$defs"]["Condition"]["oneOf"] = [{"required": [operator]} for operator in operators]
    return json.dumps(schema, indent=2, sort_keys=False) + "\n"


def _plain(node: Any) -> Any:
    """Leave out what TOML has no word for (null), and the titles that only repeat names."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: value for name, value in node.items() if not (name == "title" and isinstance(value, str))}
    if "anyOf" in node:
        branches = [branch for branch in node["anyOf"] if branch != {"type": "null"}]
        del node["anyOf"]
        node = {**branches[0], **node} if len(branches) == 1 else {"anyOf": branches, **node}
    if "default" in node and node["default"] is None:
        del node["default"]
    return {name: _plain(value) for name, value in node.items()}


if __name__ == "__main__":
    sys.stdout.write(trust_schema())
