"""Merkle trees as in RFC 9162, section 2.1, with SHA-256: leaves and inner nodes are hashed under different prefixes.

Pure functions over hashes.  A tree pairs its nodes level by level and lifts an odd last one, which is the same tree as
the RFC's recursive definition.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

SIZE: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """Return the hash of one record."""
    return hashlib.sha256(b"\x00" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the hash of the whole tree."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf: the hashes that lead from it to the root, lowest first."""
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        level, index = _above(level), index // 2
    return found


def root_by_path(start: bytes, index: int, count: int, way: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its audit path lead to; None if they do not fit a tree of `count` leaves."""
    if not 0 <= index < count:
        return None
    node, last, steps = start, count - 1, iter(way)
    while last:
        if index % 2 or index < last:
            beside = next(steps, None)
            if beside is None:
                return None
            node = _node(beside, node) if index % 2 else _node(node, beside)
        index, last = index // 2, last // 2
    return node if next(steps, None) is None else None


def _above(level: list[bytes]) -> list[bytes]:
    above = [
        hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
    ]
    if len(level) % 2:
        above.append(level[-1])
    return above


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
