"""What grants weigh in a document, without writing it: the arithmetic behind splitting, refusing and explaining.

A document is a frame, a frame per statement, and the strings in them.  A *slot* is one statement of one bucket; its
frame is paid once, however many grants use it.  Every list is counted with a comma after each entry and every
statement likewise; what that is too much in a list is what it is too little after it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from vendor.names import Bucket
from vendor.policy.access import AccessTable
from vendor.policy.document import FRAME_BYTES, Allow, DenyAdmin, statement_bytes, text_bytes
from vendor.policy.grant import Grant, Level
from vendor.policy.reach import reaches

_PLAIN_EXCEPT = frozenset('"\\<>&')


class Slot(NamedTuple):
    """One statement of one bucket."""

    bucket: Bucket
    kind: Literal["bucket", "listed", "read", "written"]


class Scale:
    """Weighs grants under one access table; `deny_admin` is for documents that begin with that denial."""

    def __init__(self, access: AccessTable, *, deny_admin: bool = False) -> None:
        self._access = access
        self._frames: dict[Slot, int] = {}
        self._base = FRAME_BYTES + (_followed(statement_bytes(DenyAdmin(access.denied))) if deny_admin else 0)

    def strings(self, grants: Iterable[Grant]) -> dict[Slot, int]:
        """Return the bytes of strings that `grants` put into each slot.  Weigh what is nested together."""
        found: dict[Slot, int] = {}
        for reach in reaches(grants):
            bucket, arn = reach.bucket, f"arn:aws:s3:::{reach.bucket}/"
            if self._access.bucket:
                found[Slot(bucket, "bucket")] = 0
            found[Slot(bucket, "listed")] = sum(_string(pattern) for pattern in reach.listed)
            if reach.read:
                found[Slot(bucket, "read")] = sum(_string(arn + pattern) for pattern in reach.read)
            if reach.written:
                found[Slot(bucket, "written")] = sum(_string(arn + pattern) for pattern in reach.written)
        return found

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
        if slot.kind == "bucket":
            return _followed(statement_bytes(Allow(self._access.bucket, (slot.bucket,))))
        if slot.kind == "listed":
            return _followed(statement_bytes(Allow(self._access.listing, (slot.bucket,), ("x",)))) - _string("x")
        actions = self._access.on_objects(Level.READ if slot.kind == "read" else Level.WRITE)
        return _followed(statement_bytes(Allow(actions, ("x",)))) - _string("arn:aws:s3:::x")


def _string(text: str) -> int:
    plain = text.isascii() and _PLAIN_EXCEPT.isdisjoint(text)
    return _followed(len(text) + 2 if plain else text_bytes(text))


def _followed(size: int) -> int:
    """With the comma behind it."""
    return size + 1
