"""The search for secrets finds what is there."""

import json
from pathlib import Path

import pytest

from vendor.dev.sweep import Finding, sweep

SECRET = "Kf/93kd+fjPq02mZ"


def test_a_planted_secret_is_found_in_each_of_its_forms(tmp_path: Path) -> None:
    plain, escaped, clean = tmp_path / "plain", tmp_path / "escaped", tmp_path / "clean"
    plain.write_bytes(b"\x00binary " + SECRET.encode() + b" more")
    escaped.write_text(json.dumps(SECRET).replace("/", "\\/"))
    clean.write_text(SECRET[:-1])

    found = sweep([plain, escaped, clean], [("key", SECRET)])

    assert found == [Finding("key", plain), Finding("key", escaped)]
    assert SECRET not in repr(found)


def test_what_is_too_short_to_mean_anything_is_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        sweep([tmp_path / "x"], [("key", "short")])
