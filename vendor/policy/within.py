"""The most that a principal may ever have, laid over what is granted."""

from collections.abc import Sequence
from dataclasses import replace

from vendor.policy.grant import Ask, Grant


def within(grants: Sequence[Grant], most: Sequence[Ask]) -> tuple[Grant, ...]:
    """Return what `grants` and `most` both allow, each piece with the source and the end of its grant.

    Neither is widened: where one lies inside the other the inner place stays, at the lower of the two levels.
    """
    pieces = (_both(grant, limit) for grant in grants for limit in most)
    return tuple(dict.fromkeys(piece for piece in pieces if piece is not None))


def common(one: Sequence[Ask], other: Sequence[Ask]) -> tuple[Ask, ...]:
    """Return what two limits both allow; none if they have nothing in common."""
    pieces = (_inner(mine, theirs) for mine in one for theirs in other)
    return tuple(dict.fromkeys(piece for piece in pieces if piece is not None))


def _inner(one: Ask, other: Ask) -> Ask | None:
    if one.path.bucket != other.path.bucket:
        return None
    level = one.level.at_most(other.level)
    if one.path.prefix.startswith(other.path.prefix):
        return replace(one, level=level)
    return replace(other, level=level) if other.path.prefix.startswith(one.path.prefix) else None


def _both(grant: Grant, limit: Ask) -> Grant | None:
    if grant.bucket != limit.path.bucket:
        return None
    level = grant.level.at_most(limit.level)
    if grant.prefix.startswith(limit.path.prefix):
        return replace(grant, level=level)
    if limit.path.prefix.startswith(grant.prefix):
        return replace(grant, prefix=limit.path.prefix, level=level, with_key=True)
    return None
