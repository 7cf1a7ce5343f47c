"""An exported folder: what `mc` and `psql` write when an operator asks them, in the forms they have.

    policies/<name>.json     mc admin policy info ALIAS <name>          (with or without --json)
    groups/<name>.json       mc admin group info ALIAS <name> --json    (or one groups.json: {name: [members]})
    users.json               mc admin user list ALIAS --json            (one object a line; or a list of names)
    tenant_metadata.csv      \\copy tenant_metadata TO tenant_metadata.csv CSV HEADER      (or .json, a list of objects)
    tenant_stewards.csv      \\copy tenant_stewards TO … CSV HEADER                        (likewise)
    user_profiles.csv        \\copy user_profiles TO … CSV HEADER                          (likewise)

The policies are needed, the rest is taken if it is there.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vendor.operate.import_mms.source import Row, Source, SourceError, Tables

MOST_BYTES: Final = 64 * 1024 * 1024


def read_folder(folder: Path) -> Source:
    """Read an exported folder.  Raises SourceError."""
    policies = folder / "policies"
    if not policies.is_dir():
        raise SourceError(f"{folder} has no folder 'policies'")
    return Source(
        policies={file.stem: document_in(_json(file)) for file in sorted(policies.glob("*.json"))},
        groups=_groups(folder),
        users=_users(folder),
        tables=read_tables(folder),
    )


def read_tables(folder: Path) -> Tables:
    """Read what there is of MMS's tables in a folder.  Raises SourceError."""
    return Tables(_table(folder, "tenant_metadata"), _table(folder, "tenant_stewards"), _table(folder, "user_profiles"))


def document_in(answer: object) -> object:
    """Return the policy document in what `mc` or the admin API answered: it may be wrapped, or a text."""
    while isinstance(answer, Mapping) and "Statement" not in answer:
        inner = next((answer[name] for name in ("policyInfo", "Policy", "policy") if name in answer), None)
        if inner is None or inner is answer:
            return answer
        answer = inner
    return answer


def _groups(folder: Path) -> dict[str, Sequence[str]]:
    whole = folder / "groups.json"
    if whole.is_file():
        listed = _json(whole)
        if not isinstance(listed, dict):
            raise SourceError(f"{whole.name} is not an object of groups")
        return {name: _names(members, whole) for name, members in listed.items()}
    found: dict[str, Sequence[str]] = {}
    for file in sorted((folder / "groups").glob("*.json")):
        answer = _json(file)
        if not isinstance(answer, dict):
            raise SourceError(f"{file.name} is not a group")
        found[file.stem] = _names(answer.get("members") or [], file)
    return found


def _users(folder: Path) -> list[str]:
    file = folder / "users.json"
    if not file.is_file():
        return []
    text = _text(file)
    try:
        answers = json.loads(text)
    except ValueError:
        answers = [_parsed(line, file) for line in text.splitlines() if line.strip()]
    listed = answers if isinstance(answers, list) else [answers]
    return [_user(entry, file) for entry in listed]


def _user(entry: object, file: Path) -> str:
    name = entry.get("accessKey") if isinstance(entry, dict) else entry
    if not isinstance(name, str):
        raise SourceError(f"{file.name} has an entry that is no user")
    return name


def _table(folder: Path, name: str) -> list[Row]:
    as_csv, as_json = folder / f"{name}.csv", folder / f"{name}.json"
    if as_csv.is_file():
        return [
            {column: value or "" for column, value in row.items() if column is not None}
            for row in csv.DictReader(io.StringIO(_text(as_csv)))
        ]
    if not as_json.is_file():
        return []
    rows = _json(as_json)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"{as_json.name} is not a list of objects")
    return [{column: "" if value is None else str(value) for column, value in row.items()} for row in rows]


def _names(value: object, file: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SourceError(f"{file.name}: the members are not a list of names")
    return value


def _json(file: Path) -> Any:
    return _parsed(_text(file), file)


def _parsed(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(f"{file.name} is not JSON") from None


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SourceError(f"{file.name} is larger than {MOST_BYTES} bytes")
        return file.read_text("utf-8-sig")
    except OSError as problem:
        raise SourceError(f"{file.name} cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise SourceError(f"{file.name} is not UTF-8") from None
