"""Policy documents, built from typed statements and written in the one form that every store counts the same.

Stores ignore members they do not know, so a misspelt one would be an unconditional grant: nothing here is made from
loose dictionaries.  The text is minified ASCII JSON with arrays everywhere.  `<`, `>` and `&` are written as Go
writes them; so the text is never shorter than the form that MinIO makes of it before it counts.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = "2012-10-17"
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Allow:
    """One statement.  `resources` follow `arn:aws:s3:::`; `listed`, if any, are the patterns s3:prefix must match."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    listed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the statement as JSON values, its members in the order MinIO writes them."""
        if not self.actions or not self.resources:
            raise ValueError("a statement without actions or resources")
        statement: dict[str, object] = {
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": [f"arn:aws:s3:::{resource}" for resource in self.resources],
        }
        if self.listed:
            statement["Condition"] = {"StringLike": {"s3:prefix": self.listed}}
        return statement


@dataclass(frozen=True, slots=True)
class DenyAdmin:
    """The one denial we write: MinIO's own administrative actions, in documents that stand alone in the store."""

    actions: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the statement as JSON values; administrative actions have no resource."""
        return {"Effect": "Deny", "Action": self.actions}


@dataclass(frozen=True, slots=True)
class DenyAll:
    """The denial of everything that S3 knows, for documents whose leases are over, where the store takes denials."""

    def as_json(self) -> dict[str, object]:
        """Return the statement as JSON values."""
        return {"Effect": "Deny", "Action": ("s3:*",), "Resource": ("arn:aws:s3:::*",)}


Statement = Allow | DenyAdmin | DenyAll


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """A finished document.  `bytes` is what every store counts, `sha256` is of the text."""

    text: str
    bytes: int
    sha256: str


def render(statements: Iterable[Statement]) -> SessionPolicy:
    """Write a document.  Raises ValueError if it would be empty: to most stores that means unlimited rights."""
    listed = [statement.as_json() for statement in statements]
    if not listed:
        raise ValueError("a policy without statements")
    text = _minified({"Version": VERSION, "Statement": listed})
    return SessionPolicy(text, len(text), hashlib.sha256(text.encode("ascii")).hexdigest())


def text_bytes(text: str) -> int:
    """Return how many bytes a string takes in a document, its quotes included."""
    return len(_minified(text))


def statement_bytes(statement: Statement) -> int:
    """Return how many bytes a statement takes in a document."""
    return len(_minified(statement.as_json()))


def _minified(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).translate(_ESCAPES)


FRAME_BYTES = len(_minified({"Version": VERSION, "Statement": []}))
"""What a document takes before its first statement."""
