"""An independent reading of policy documents: what would a store decide?

Written from AWS's evaluation logic and from MinIO's matching rules, not from the planner: the two share no code, so
that a test which holds one against the other can find a mistake in either.  What cannot be decided from the text
alone (policy variables, operators outside the list below) is refused, never guessed.

The two readings differ in three points.  MinIO gives bucket-level calls the text `bucket/`, so that `bucket/*` covers
them, compares a cleaned path with a literal resource, and lets GetObjectVersion imply GetObject; AWS ignores the case
of actions.
"""

import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn


class UndecidableDocument(ValueError):
    """The document is not one that this oracle can read."""


class Reading(StrEnum):
    """Whose rules a document is read by."""

    AWS = "aws"
    MINIO = "minio"


class Decision(StrEnum):
    """What comes of a request: an explicit denial beats an allowance, which beats the default."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class S3Request:
    """One permission check: an action on a bucket (`key` None) or an object, with the condition keys a store sets."""

    action: str
    bucket: str
    key: str | None = None
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def listing(cls, bucket: str, prefix: str | None = None) -> "S3Request":
        """The check of a listing; without the parameter `prefix` there is no such condition key."""
        return cls("s3:ListBucket", bucket, None, {} if prefix is None else {"s3:prefix": (prefix,)})


def decide(document: str, request: S3Request, reading: Reading = Reading.AWS) -> Decision:
    """Say what a store makes of `request` when `document` is all that counts.  Raises UndecidableDocument."""
    effects = {effect for effect, applies in _statements(document) if applies(request, reading)}
    if "Deny" in effects:
        return Decision.DENIED
    return Decision.ALLOWED if effects else Decision.NOT_ALLOWED


_Test = Callable[[S3Request, Reading], bool]
_MEMBERS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})


def _statements(text: str) -> list[tuple[str, _Test]]:
    document = _parse(text)
    if not isinstance(document, dict) or document.keys() - {"Version", "Id", "Statement"}:
        raise UndecidableDocument("not a policy document")
    if document.get("Version") != "2012-10-17":
        raise UndecidableDocument("not of version 2012-10-17")
    statements = document.get("Statement")
    if not isinstance(statements, list):
        raise UndecidableDocument("Statement is not a list")
    return [_statement(statement) for statement in statements]


def _parse(text: str) -> Any:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UndecidableDocument("a member is there twice")
        return found

    def number(constant: str) -> NoReturn:
        raise UndecidableDocument(f"{constant} is not JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=number)
    except (json.JSONDecodeError, RecursionError):
        raise UndecidableDocument("not JSON") from None


def _statement(statement: object) -> tuple[str, _Test]:
    if not isinstance(statement, dict) or statement.keys() - _MEMBERS:
        raise UndecidableDocument("a statement with members that have no place in it")
    effect = statement.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise UndecidableDocument("Effect is neither Allow nor Deny")
    on_action = _one_of(statement, "Action", _action_matches)
    if _administrative(statement):  # MinIO's own actions have no resource, and no S3 request is one of them
        return effect, lambda request, reading: on_action(request, reading)
    on_resource = _one_of(statement, "Resource", _resource_matches)
    condition = _condition(statement.get("Condition", {}))

    def applies(request: S3Request, reading: Reading) -> bool:
        return on_action(request, reading) and on_resource(request, reading) and condition(request)

    return effect, applies


def _administrative(statement: Mapping[str, object]) -> bool:
    if "Resource" in statement or "NotResource" in statement or "Action" not in statement:
        return False
    return all(action.startswith("admin:") for action in _texts(statement["Action"]))


def _one_of(statement: Mapping[str, object], member: str, match: Callable[[str, S3Request, Reading], bool]) -> _Test:
    """Read a member or its `Not` form: exactly one of them must be there."""
    if (member in statement) == (f"Not{member}" in statement):
        raise UndecidableDocument(f"a statement needs exactly one of {member} and Not{member}")
    positive = member in statement
    patterns = _texts(statement[member if positive else f"Not{member}"])

    def test(request: S3Request, reading: Reading) -> bool:
        return any(match(pattern, request, reading) for pattern in patterns) is positive

    return test


def _texts(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(entry, str) for entry in values):
        raise UndecidableDocument("neither a string nor a list of strings")
    if any("${" in entry for entry in values):
        raise UndecidableDocument("a policy variable")
    return values


def _action_matches(pattern: str, request: S3Request, reading: Reading) -> bool:
    if reading is Reading.AWS:
        return like(pattern.lower(), request.action.lower())
    implied = pattern == "s3:GetObjectVersion" and request.action == "s3:GetObject"
    return implied or like(pattern, request.action)


def _resource_matches(pattern: str, request: S3Request, reading: Reading) -> bool:
    if pattern == "*":
        return True
    if not pattern.startswith("arn:aws:s3:::"):
        raise UndecidableDocument(f"{pattern!r} is no S3 resource")
    pattern = pattern.removeprefix("arn:aws:s3:::")
    if reading is Reading.AWS:
        return like(pattern, request.bucket if request.key is None else f"{request.bucket}/{request.key}")
    text = f"{request.bucket}/{request.key or ''}"
    return posixpath.normpath(text) == pattern or like(pattern, text)


def _condition(block: object) -> Callable[[S3Request], bool]:
    if not isinstance(block, dict):
        raise UndecidableDocument("Condition is not an object")
    tests: list[Callable[[S3Request], bool]] = []
    for operator, keys in block.items():
        if not isinstance(keys, dict):
            raise UndecidableDocument("a condition operator without keys")
        tests.extend(_comparison(operator, key, _texts(values)) for key, values in keys.items())
    return lambda request: all(test(request) for test in tests)


_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    # name: how one wanted value is compared with one in the request, and whether a match is what is asked for
    "StringEquals": (lambda wanted, value: wanted == value, True),
    "StringNotEquals": (lambda wanted, value: wanted == value, False),
    "StringEqualsIgnoreCase": (lambda wanted, value: wanted.lower() == value.lower(), True),
    "StringNotEqualsIgnoreCase": (lambda wanted, value: wanted.lower() == value.lower(), False),
    "StringLike": (lambda wanted, value: like(wanted, value), True),
    "StringNotLike": (lambda wanted, value: like(wanted, value), False),
}


def _comparison(operator: str, key: str, wanted: list[str]) -> Callable[[S3Request], bool]:
    qualifier, _, name = operator.rpartition(":")
    if qualifier not in {"", "ForAnyValue", "ForAllValues"}:
        raise UndecidableDocument(f"unknown qualifier {qualifier}")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name not in _OPERATORS:
        raise UndecidableDocument(f"unknown operator {operator}")
    compare, positive = _OPERATORS[name]

    def holds(value: str) -> bool:
        return any(compare(entry, value) for entry in wanted) is positive

    def test(request: S3Request) -> bool:
        values = _values(request, key)
        if not values:  # AWS: a missing key matches no operator but the negated ones, …IfExists and ForAllValues
            return optional or qualifier == "ForAllValues" or (not positive and not qualifier)
        if qualifier == "ForAllValues" or (not qualifier and not positive):
            return all(holds(value) for value in values)
        return any(holds(value) for value in values)

    return test


def _values(request: S3Request, key: str) -> tuple[str, ...]:
    return next((values for name, values in request.context.items() if name.lower() == key.lower()), ())


def like(pattern: str, text: str) -> bool:
    """Match with `*` for any text and `?` for any one character, both across `/`.  Takes no exponential time."""
    at, inside = 0, 0
    star, retry = -1, 0  # the last `*` seen, and where in the text the search goes on if the rest fails
    while at < len(text):
        if inside < len(pattern) and pattern[inside] == "*":
            star, retry = inside, at
            inside += 1
        elif inside < len(pattern) and pattern[inside] in {"?", text[at]}:
            at, inside = at + 1, inside + 1
        elif star >= 0:
            retry += 1
            at, inside = retry, star + 1
        else:
            return False
    return all(character == "*" for character in pattern[inside:])
