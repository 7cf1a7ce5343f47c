"""What listing, reading and writing mean, in S3 actions: the table `policies/access.toml`.

No action is named in the code.  The table is refused when an action is not literal, stands in two lists, or is one
that the table itself says must never be granted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vendor.policy.grant import Level
from vendor.policy.tables import PolicyFileError, Table

__all__ = ["AccessTable", "PolicyFileError", "load_access"]

_ACTION = re.compile(r"s3:[A-Z][A-Za-z]*", re.ASCII)
_PATTERN = re.compile(r"s3:[A-Za-z*]+", re.ASCII)
_DENIED = re.compile(r"admin:[A-Za-z*]+", re.ASCII)
_FORMS = {
    _ACTION: "one literal action, such as s3:GetObject",
    _PATTERN: "a pattern of actions, such as s3:Bypass*",
    _DENIED: "an administrative action, such as admin:*",
}
# The S3 actions for which stores know the condition key s3:prefix; with any other they refuse the whole statement.
_LISTINGS = frozenset({"s3:ListBucket", "s3:ListBucketVersions"})


@dataclass(frozen=True, slots=True)
class AccessTable:
    """The actions of each kind: `write` comes on top of `read`, `bucket` is on the bucket itself, unconditional.

    `denied` are a store's administrative actions, denied where a policy document stands alone in the store;
    `spelling` is how some actions are written in documents, shorter.
    """

    listing: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]
    bucket: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    spelling: tuple[tuple[str, str], ...] = ()

    def on_objects(self, level: Level) -> tuple[str, ...]:
        """Return the object actions of a level; those of `write` begin with those of `read`."""
        return self.read + self.write if level is Level.WRITE else self.read

    def spelled(self, actions: Iterable[str]) -> tuple[str, ...]:
        """Return actions as they are written in a document."""
        short = dict(self.spelling)
        return tuple([short.get(action, action) for action in actions])

    def level_for(self, action: str) -> Level | None:
        """Return the least level that allows an action (its case aside), or None if no grant ever does."""
        wanted = action.lower()
        if any(wanted == known.lower() for known in self.listing + self.read + self.bucket):
            return Level.READ
        return Level.WRITE if any(wanted == known.lower() for known in self.write) else None


def load_access(path: Path) -> AccessTable:
    """Load and check the table.  Raises PolicyFileError."""
    table = Table.load(path)
    kinds = ("listing", "read", "write", "bucket")
    listed = {kind: _list(table, kind, _ACTION) for kind in kinds}
    denied = _list(table, "denied", _DENIED)
    never = _list(table, "never", _PATTERN)
    spelling = table.pairs("spelling")
    table.done()
    for kind in ("listing", "read", "write"):
        if not listed[kind]:
            raise table.refuse(f"[{kind}] names no action")
    odd = set(listed["listing"]) - _LISTINGS
    if odd:
        raise table.refuse(f"[listing] {min(odd)} cannot be limited to a prefix")
    _refuse_repeated(table, [action for kind in kinds for action in listed[kind]])
    _refuse_forbidden(table, never, listed)
    _refuse_misspelt(table, spelling, listed)
    return AccessTable(**listed, denied=denied, spelling=spelling)


def _list(table: Table, kind: str, form: re.Pattern[str]) -> tuple[str, ...]:
    inner = table.table(kind)
    actions = inner.texts("actions")
    inner.done()
    for action in actions:
        if not form.fullmatch(action):
            raise table.refuse(f"[{kind}] {action!r} is not of the form that belongs here: {_FORMS[form]}")
    return actions


def _refuse_repeated(table: Table, actions: list[str]) -> None:
    seen: set[str] = set()
    for action in actions:
        if action.lower() in seen:
            raise table.refuse(f"{action} is named twice")
        seen.add(action.lower())


def _refuse_forbidden(table: Table, patterns: tuple[str, ...], listed: dict[str, tuple[str, ...]]) -> None:
    for pattern in patterns:
        for kind, actions in listed.items():
            for action in actions:
                if _names(pattern, action):
                    raise table.refuse(f"[{kind}] {action} is ruled out by [never] {pattern}")


def _refuse_misspelt(table: Table, spelling: tuple[tuple[str, str], ...], listed: dict[str, tuple[str, ...]]) -> None:
    granted = {action for actions in listed.values() for action in actions}
    for action, short in spelling:
        if action not in granted:
            raise table.refuse(f"[spelling] {action} is not granted")
        if not _PATTERN.fullmatch(short) or not _names(short, action):
            raise table.refuse(f"[spelling] {short} does not name {action}")
        others = sorted(other for other in granted - {action} if _names(short, other))
        if others:
            raise table.refuse(f"[spelling] {short} names {others[0]}, too")


def _names(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
