"""The documents of `policies/roles`, filled in for one store.

They are templates in JSON: a text `@NAME@` inside a string stands for a value that differs from place to place.  Values
are put in after parsing, so none can add a statement, and a document with a hole left is refused.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HOLE = re.compile(r"@([A-Z_]+)@")


def role_document(policies: Path, name: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return `policies/roles/<name>` with every `@NAME@` replaced.  KeyError names one that has no value."""
    document = json.loads((policies / "roles" / name).read_text(encoding="utf-8"))
    filled: dict[str, Any] = _fill(document, values)
    return filled


def _fill(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return _HOLE.sub(lambda hole: values[hole[1]], node)
    if isinstance(node, list):
        return [_fill(item, values) for item in node]
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    return node
