"""The tree is that of RFC 9162: held against the recursive definition of the text."""

import hashlib

import pytest

from vendor.sealed import merkle


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("count", range(34))
def test_the_root_is_that_of_the_definition(count: int) -> None:
    assert merkle.root(leaves_of(count)) == by_definition(leaves_of(count))


@pytest.mark.parametrize("count", range(1, 34))
def test_every_path_leads_to_the_root_and_nowhere_else(count: int) -> None:
    leaves = leaves_of(count)
    root = merkle.root(leaves)

    for index, leaf in enumerate(leaves):
        way = merkle.path(leaves, index)
        assert merkle.root_by_path(leaf, index, count, way) == root
        assert merkle.root_by_path(merkle.leaf(b"other"), index, count, way) != root
        assert merkle.root_by_path(leaf, index, count, [*way, leaf]) is None
        if way:
            assert merkle.root_by_path(leaf, index, count, way[:-1]) is None
        for other in {(index + 1) % count, index ^ 1} - {index}:
            assert merkle.root_by_path(leaf, other, count, way) != root


def test_a_node_cannot_pass_for_a_leaf() -> None:
    left, right = leaves_of(2)

    assert merkle.root([left, right]) != merkle.leaf(left + right)


@pytest.mark.parametrize("index", [-1, 1, 7])
def test_a_place_outside_the_tree_leads_nowhere(index: int) -> None:
    assert merkle.root_by_path(merkle.leaf(b"x"), index, 1, []) is None
