"""What grants weigh in a document, without writing it: the arithmetic behind splitting, refusing and explaining.

A document is a frame, a frame per statement, and the strings in them.  A *slot* is one statement of one bucket; its
frame is paid once, however many grants use it.  Every list is counted with a comma after each entry and every
statement likewise; what that is too much in a list is what it is too little after it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from vendor.names import Bucket
from vendor.policy.access import AccessTable
from vendor.policy.document import FRAME_BYTES, Allow, DenyAdmin, statement_bytes, text_bytes
from vendor.policy.grant import Grant, Level
from vendor.policy.reach import Reach, reaches

_ESCAPED = re.compile(r'["\\<>&\x00-\x1f]')


class Slot(NamedTuple):
    """One statement of one bucket."""

    bucket: Bucket
    kind: Literal["bucket", "listed", "read", "written"]


_ARN = "arn:aws:s3:::"


class Scale:
    """Weighs grants under one access table; `deny_admin` is for documents that begin with that denial."""

    def __init__(self, access: AccessTable, *, deny_admin: bool = False) -> None:
        self._access = access
        self._frames: dict[Slot, int] = {}
        self._base = FRAME_BYTES + (_followed(statement_bytes(DenyAdmin(access.denied))) if deny_admin else 0)

    def strings(self, grants: Iterable[Grant]) -> dict[Slot, int]:
        """Return the bytes of strings that `grants` put into each slot.  Weigh what is nested together."""
        return self.strings_of(reaches(grants))

    def strings_of(self, found: Iterable[Reach]) -> dict[Slot, int]:
        """Return the same for what grants were found to reach."""
        strings: dict[Slot, int] = {}
        for reach in found:
            bucket, arn = reach.bucket, len(_ARN) + len(reach.bucket) + 1
            if self._access.bucket:
                strings[Slot(bucket, "bucket")] = 0
            strings[Slot(bucket, "listed")] = _sum(reach.listed)
            if reach.read:
                strings[Slot(bucket, "read")] = _sum(reach.read) + arn * len(reach.read)
            if reach.written:
                strings[Slot(bucket, "written")] = _sum(reach.written) + arn * len(reach.written)
        return strings

    def own(self, grant: Grant) -> dict[Slot, int]:
        """Return the same for one grant by itself, faster."""
        bucket = grant.bucket
        listed, objects = _listed(grant), _objects(grant)
        kind: Literal["read", "written"] = "written" if grant.level is Level.WRITE else "read"
        found = {Slot(bucket, "listed"): listed, Slot(bucket, kind): objects}
        return {Slot(bucket, "bucket"): 0, **found} if self._access.bucket else found

    def total(self, strings: Mapping[Slot, int]) -> int:
        """Return the size of the document that holds `strings`."""
        return self._base - 1 + sum(self.frame(slot) + size for slot, size in strings.items())

    def added(self, strings: Mapping[Slot, int], present: Collection[Slot]) -> int:
        """Return by how much `strings` lengthen a document that already has the slots `present`."""
        return sum(size if slot in present else size + self.frame(slot) for slot, size in strings.items())

    def frame(self, slot: Slot) -> int:
        """Return what a statement costs before its first string."""
        if slot not in self._frames:
            self._frames[slot] = self._measured(slot)
        return self._frames[slot]

    def _measured(self, slot: Slot) -> int:
        access = self._access
        if slot.kind == "bucket":
            return _followed(statement_bytes(Allow(access.spelled(access.bucket), (slot.bucket,))))
        if slot.kind == "listed":
            listing = Allow(access.spelled(access.listing), (slot.bucket,), ("x",))
            return _followed(statement_bytes(listing)) - _string("x")
        actions = access.spelled(access.on_objects(Level.READ if slot.kind == "read" else Level.WRITE))
        return _followed(statement_bytes(Allow(actions, ("x",)))) - _string(f"{_ARN}x")


def own_bytes(grant: Grant) -> int:
    """Return the bytes of the strings that one grant needs by itself, statements aside."""
    return _listed(grant) + _objects(grant)


def _listed(grant: Grant) -> int:
    return _string(grant.prefix) + 1  # for the star


def _objects(grant: Grant) -> int:
    folder = len(_ARN) + len(grant.bucket) + 1 + _listed(grant)
    return folder + folder - 2 if grant.with_key else folder  # the exact key lacks slash and star


def _sum(texts: Sequence[str]) -> int:
    joined = "".join(texts)
    if joined.isascii() and not _ESCAPED.search(joined):
        return len(joined) + len(texts) * _followed(2)
    return sum(_string(text) for text in texts)


def _string(text: str) -> int:
    plain = text.isascii() and not _ESCAPED.search(text)
    return _followed(len(text) + 2 if plain else text_bytes(text))


def _followed(size: int) -> int:
    """With the comma behind it."""
    return size + 1
