"""Claims, and what a trust file can demand of one: an exact value, membership in a list, an anchored pattern.

A claim is named by one text, taken literally (`email`, `https://example.org/roles`), or by a list of texts, a path into
nested objects (`["realm_access", "roles"]`).  A dot in a name has no meaning.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_MATCHED_LENGTH = 256
"""Longer values never match a pattern: it bounds what a pattern can cost."""

_UNBOUNDED = re.compile(r"(?<!\\)[*+]|(?<!\\)\{\d*,\}")


class _Missing:
    """The one value that no JSON document holds."""


MISSING: Final = _Missing()

Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Scalar = bool | int | Text
ClaimPath = Annotated[
    Text | Annotated[tuple[Text, ...], Field(min_length=1, max_length=8)],
    Field(description="A claim's name, taken literally, or a list of names: a path into nested objects."),
]


def claim(claims: Mapping[str, object], path: str | tuple[str, ...]) -> object:
    """Return the claim at `path`, or MISSING."""
    value: object = claims
    for name in (path,) if isinstance(path, str) else path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def shown(path: str | tuple[str, ...]) -> str:
    """Render a claim's path for people."""
    return path if isinstance(path, str) else " → ".join(path)


def _anchored(pattern: str) -> str:
    """Refuse patterns whose cost a token could drive up; matching is always on the whole value."""
    try:
        re.compile(pattern, re.ASCII)
    except re.error as problem:
        raise ValueError(f"not a regular expression: {problem}") from None
    if re.search(r"\(\?(?!:)|\\[1-9]", pattern):
        raise ValueError("look-around, flags and back references are not supported")
    if re.search(r"(?<!\\)\)[*+{]", pattern):
        raise ValueError("a group cannot be repeated")
    if len(_UNBOUNDED.findall(pattern)) > 3:
        raise ValueError("more than three unbounded repeats")
    return pattern


Pattern = Annotated[
    Text,
    AfterValidator(_anchored),
    Field(description="A regular expression that the whole value has to match."),
]


class Condition(BaseModel):
    """One demand on one claim; exactly one of the operators is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    claim: ClaimPath
    equals: Scalar | None = Field(None, description="The claim is exactly this value, of the same type.")
    one_of: Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = Field(
        None, alias="in", description="The claim is exactly one of these values."
    )
    contains: Scalar | None = Field(None, description="The claim is a list with exactly this value in it.")
    matches: Pattern | None = None
    absent: bool | None = Field(None, description="True: the claim is not in the token.  False: it is.")

    @model_validator(mode="after")
    def _one_operator(self) -> "Condition":
        given = [self.equals, self.one_of, self.contains, self.matches, self.absent]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of equals, in, contains, matches, absent")
        return self

    def why_not(self, claims: Mapping[str, object]) -> str | None:
        """Return None if `claims` meet this condition, otherwise the reason, without the claim's value."""
        value = claim(claims, self.claim)
        name = shown(self.claim)
        if self.absent is not None:
            return None if (value is MISSING) is self.absent else f"{name} is {'present' if self.absent else 'missing'}"
        if value is MISSING:
            return f"{name} is missing"
        return None if self._holds(value) else f"{name} {self._demand()}"

    def _holds(self, value: object) -> bool:
        if self.equals is not None:
            return _same(value, self.equals)
        if self.one_of is not None:
            return any(_same(value, wanted) for wanted in self.one_of)
        if self.contains is not None:
            return isinstance(value, list) and any(_same(item, self.contains) for item in value)
        assert self.matches is not None  # noqa: S101  one operator is always given
        return full_match(self.matches, value) is not None

    def _demand(self) -> str:
        if self.equals is not None:
            return f"is not {self.equals!r}"
        if self.one_of is not None:
            return f"is not one of {', '.join(map(repr, self.one_of))}"
        if self.contains is not None:
            return f"is not a list with {self.contains!r} in it"
        return f"does not match {self.matches}"


def full_match(pattern: str, value: object) -> re.Match[str] | None:
    """Match a whole text of bounded length; anything else does not match."""
    if not isinstance(value, str) or len(value) > MAX_MATCHED_LENGTH:
        return None
    return re.compile(pattern, re.ASCII).fullmatch(value)  # compiled patterns are kept by `re`


def _same(value: Any, wanted: Any) -> bool:
    """Compare without Python's habit of taking True for 1 and 1.0 for 1."""
    return type(value) is type(wanted) and bool(value == wanted)
