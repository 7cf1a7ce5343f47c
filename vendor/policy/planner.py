"""Turn grants into the smallest documents that allow exactly them, or say what does not fit.

Grants come in, policies go out; nothing is ever cut off.  Per bucket a document has one statement for listing, one
for what may only be read and one for what may be written, so a prefix is named twice and its actions once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.policy.access import AccessTable
from vendor.policy.document import DenyAdmin, SessionPolicy, Statement, render
from vendor.policy.grant import Grant
from vendor.policy.packing import items_of, pack
from vendor.policy.reach import Reach, reaches
from vendor.policy.scope import PLACE, minimal
from vendor.policy.weight import Scale, Slot, own_bytes

__all__ = ["CEILING_LIMIT", "Part", "SessionPolicy", "plan_ceilings", "plan_lease_set", "plan_session_policy"]

CEILING_LIMIT = 20_480
"""What MinIO and its relatives accept as one stored document, in bytes."""
_SHOWN = 10
_SHOWN_DROPS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """One document of several, and the grants it carries."""

    grants: tuple[Grant, ...]
    policy: SessionPolicy


def policy_for(grants: Sequence[Grant], access: AccessTable, *, deny_admin: bool = False) -> SessionPolicy:
    """Return the document for `grants`, however large.  Raises NothingGranted if there are none.

    Never call a store without one: an empty policy means all rights on most of them.
    """
    if not grants:
        raise NothingGranted()
    return _written(reaches(grants), access, deny_admin=deny_admin)


def plan_session_policy(grants: Sequence[Grant], access: AccessTable, limit: int) -> SessionPolicy:
    """Return the one document that allows `grants` and nothing else within `limit` bytes.

    Raises NothingGranted without grants, and PolicyTooLarge with the largest grants, their bytes, and the fewest that
    would have to go.
    """
    if not grants:
        raise NothingGranted()
    found, scale = reaches(grants), _scale(access)
    size = scale.total(scale.strings_of(found))
    if size > limit:
        raise _too_large(minimal(grants), scale, size, limit)
    return _written(found, access)


@cache
def _scale(access: AccessTable, *, deny_admin: bool = False) -> Scale:
    """Return the scale of an access table, which remembers what its statements weigh."""
    return Scale(access, deny_admin=deny_admin)


def _written(found: Iterable[Reach], access: AccessTable, *, deny_admin: bool = False) -> SessionPolicy:
    statements: list[Statement] = [DenyAdmin(access.denied)] if deny_admin and access.denied else []
    for reach in found:
        statements.extend(reach.statements(access))
    return render(statements)


def plan_lease_set(grants: Sequence[Grant], access: AccessTable, limit: int) -> tuple[Part, ...]:
    """Return the fewest documents found that each fit `limit` and together allow `grants` and nothing else.

    Raises NothingGranted, and PolicyTooLarge if a single grant does not fit.
    """
    return _share_out(grants, access, limit, deny_admin=False)


def plan_ceilings(
    grants: Sequence[Grant], access: AccessTable, limit: int = CEILING_LIMIT, *, deny_admin: bool = False
) -> tuple[Part, ...]:
    """Return the documents to keep in the store for someone with `grants`.

    With `deny_admin` (MinIO; SeaweedFS takes no denials) each begins with a denial of administrative actions, since a
    lease that only a ceiling limits could otherwise make itself a service account.
    """
    return _share_out(grants, access, limit, deny_admin=deny_admin)


def _share_out(grants: Sequence[Grant], access: AccessTable, limit: int, *, deny_admin: bool) -> tuple[Part, ...]:
    wanted = minimal(grants)
    if not wanted:
        raise NothingGranted()
    scale = _scale(access, deny_admin=deny_admin and bool(access.denied))
    items = items_of(wanted, scale, limit)
    if any(item.alone > limit for item in items):
        raise _too_large(wanted, scale, scale.total(scale.strings(wanted)), limit)
    parts = []
    for packed in pack(items, scale, limit):
        together = tuple(sorted((grant for item in packed for grant in item.grants), key=PLACE))
        parts.append(Part(together, policy_for(together, access, deny_admin=deny_admin)))
    return tuple(sorted(parts, key=lambda part: PLACE(part.grants[0])))


def _too_large(grants: Sequence[Grant], scale: Scale, size: int, limit: int) -> PolicyTooLarge:
    """Return the refusal.  The cheapest way to fit is to drop the largest grants: that takes the fewest of them."""
    largest_first = sorted(grants, key=own_bytes, reverse=True)
    drops = len(grants) - _most_kept(largest_first[::-1], scale, limit)
    refusal = PolicyTooLarge(
        size=size,
        limit=limit,
        largest=[_described(grant) for grant in largest_first[:_SHOWN]],
        split_possible=all(scale.total(scale.own(grant)) <= limit for grant in largest_first[:_SHOWN]),
    )
    refusal.details["drop"] = [_described(grant) for grant in largest_first[: min(drops, _SHOWN_DROPS)]]
    refusal.details["drop_count"] = drops
    return refusal


def _most_kept(smallest_first: Sequence[Grant], scale: Scale, limit: int) -> int:
    """Return how many of the smallest grants fit together."""
    kept, size = 0, scale.total({})
    slots: set[Slot] = set()
    for grant in smallest_first:
        strings = scale.own(grant)
        size += scale.added(strings, slots)
        if size > limit:
            break
        slots.update(strings)
        kept += 1
    # What is nested weighs less together than the sum, so there may be room for some more.
    while kept < len(smallest_first) and scale.total(scale.strings(smallest_first[: kept + 1])) <= limit:
        kept += 1
    return kept


def _described(grant: Grant) -> dict[str, object]:
    return {
        "path": f"s3://{grant.bucket}/{grant.prefix}",
        "access": grant.level.value,
        "source": grant.source,
        "bytes": own_bytes(grant),
    }
