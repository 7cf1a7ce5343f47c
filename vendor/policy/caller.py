"""Read a policy that a caller sent, strictly: only what its meaning is certain for, on every store.

A caller's policy may only narrow.  It is never passed on and never merged as text (carve.py works on its meaning), so
everything here that is not plainly understood is refused: denials, `Not…` members, principals, variables, wildcards
inside a path, and conditions other than prefixes of a listing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from vendor.errors import InvalidRequest
from vendor.policy.document import VERSION

_MAX_CHARACTERS = 2048  # AWS's own limit on this parameter
_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z*?]+", re.ASCII)
_ARN = "arn:aws:s3:::"


class UnsupportedPolicy(InvalidRequest):
    """A caller's policy is malformed, or says something that cannot be carried over exactly."""

    default_remedy = (
        "Send Allow statements with literal resources (arn:aws:s3:::bucket/folder/*), or leave the policy out and name "
        "the paths as the scope."
    )


@dataclass(frozen=True, slots=True)
class Pattern:
    """A literal text, or (`open`) everything that begins with it."""

    text: str
    open: bool

    def matches(self, text: str) -> bool:
        """Say whether one literal text is meant."""
        return text.startswith(self.text) if self.open else text == self.text


@dataclass(frozen=True, slots=True)
class CallerStatement:
    """One statement of a caller: it allows these actions on these resources (without their ARN's beginning).

    `listed` is None without a condition; with one, the statement allows listings of those prefixes and nothing else,
    for no other request has a prefix.
    """

    actions: tuple[str, ...]
    resources: tuple[Pattern, ...]
    listed: tuple[Pattern, ...] | None

    def allows_action(self, action: str) -> bool:
        """Match an action as AWS does, ignoring case."""
        return any(
            re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), action, re.IGNORECASE)
            for pattern in self.actions
        )


def parse_caller_policy(text: str) -> tuple[CallerStatement, ...]:
    """Parse a caller's policy.  Raises UnsupportedPolicy."""
    if not text.strip():
        raise UnsupportedPolicy("The policy is empty.")
    if len(text) > _MAX_CHARACTERS:
        raise UnsupportedPolicy(f"The policy has {len(text)} characters; {_MAX_CHARACTERS} are the limit.")
    document = _parse(text)
    _known_members(document, _DOCUMENT, "The policy")
    if document.get("Version") != VERSION:
        raise UnsupportedPolicy(f'The policy must have "Version": "{VERSION}".')
    statements = document.get("Statement")
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not listed:
        raise UnsupportedPolicy("The policy has no statements.")
    return tuple(_statement(statement) for statement in listed)


def _parse(text: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise UnsupportedPolicy("The policy has a member twice.")
        return members

    def refuse(constant: str) -> NoReturn:
        raise UnsupportedPolicy(f"The policy holds {constant}, which is not JSON.")

    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError, ValueError):
        raise UnsupportedPolicy("The policy is not JSON.") from None
    return _object(document, "The policy")


def _statement(value: Any) -> CallerStatement:
    statement = _object(value, "A statement")
    _known_members(statement, _STATEMENT, "A statement")
    if statement.get("Effect") != "Allow":
        raise UnsupportedPolicy("A policy for a lease can only allow; what it does not name is denied.")
    actions = _texts(statement.get("Action"), "Action")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise UnsupportedPolicy("An Action is not of the form service:Name.")
    return CallerStatement(
        actions=actions,
        resources=tuple(
            pattern for resource in _texts(statement.get("Resource"), "Resource") for pattern in _resource(resource)
        ),
        listed=_listed(statement["Condition"]) if "Condition" in statement else None,
    )


def _resource(resource: str) -> tuple[Pattern, ...]:
    if resource in {"*", f"{_ARN}*"}:
        return (Pattern("", open=True),)
    if not resource.startswith("arn:"):
        raise UnsupportedPolicy("A Resource is not an ARN.")
    if not resource.startswith(_ARN):
        return ()  # of another service: nothing that is leased here
    return (_pattern(resource.removeprefix(_ARN), "A Resource"),)


def _listed(value: Any) -> tuple[Pattern, ...]:
    patterns: list[Pattern] = []
    condition = _object(value, "A Condition")
    if len(condition) != 1:
        raise UnsupportedPolicy("A Condition must have exactly one operator.")
    for operator, keys in condition.items():
        named = _object(keys, "A Condition's operator")
        if operator not in {"StringEquals", "StringLike"} or [*named] != ["s3:prefix"]:
            raise UnsupportedPolicy("The only conditions understood are StringEquals and StringLike on s3:prefix.")
        for text in _texts(named["s3:prefix"], "s3:prefix"):
            if operator == "StringEquals" and "*" in text:
                raise UnsupportedPolicy("StringEquals takes '*' literally, which no key has; use StringLike.")
            patterns.append(_pattern(text, "A prefix"))
    return tuple(patterns)


def _pattern(text: str, what: str) -> Pattern:
    body = text.removesuffix("*")
    if any(mark in body for mark in "*?${}"):
        raise UnsupportedPolicy(f"{what} holds a wildcard before its end, or a variable.")
    return Pattern(body, open=body != text)


def _texts(value: Any, member: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        if member == "s3:prefix" and isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
            return tuple(texts)  # an empty prefix is a legal value of this key
        raise UnsupportedPolicy(f"{member} must be a string or a list of strings.")
    return tuple(texts)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnsupportedPolicy(f"{what} is not a JSON object.")
    return value


def _known_members(members: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    if members.keys() - known:
        raise UnsupportedPolicy(
            f"{what} has a member that cannot be carried over; known are {', '.join(sorted(known))}."
        )
