"""Share grants out over several documents: as few as can be found, each within the limit.

What is used together stays together: everything from one source (a home, one tenant, one share), and everything
nested in one another.  Such a group is divided only if it does not fit a document of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vendor.policy.grant import Grant, Source
from vendor.policy.scope import PLACE
from vendor.policy.weight import Scale, Slot

_SEARCHED_ITEMS = 48  # beyond that many groups a search would take longer than it could save
_SEARCH_STEPS = 4_000


@dataclass(frozen=True, slots=True)
class Item:
    """A group of grants that goes into one document."""

    grants: tuple[Grant, ...]
    strings: dict[Slot, int]
    alone: int


@dataclass(slots=True)
class Bin:
    """A document being filled."""

    items: list[Item] = field(default_factory=list)
    slots: dict[Slot, int] = field(default_factory=dict)  # how many items use each
    size: int = 0


def items_of(grants: Sequence[Grant], scale: Scale, limit: int) -> list[Item]:
    """Group `grants` (minimal, sorted), dividing the groups that are too large.  Single grants stay, fit or not."""
    items: list[Item] = []
    for group in _together(grants):
        whole = _item(group, scale)
        items.extend([whole] if whole.alone <= limit else _divided(group, scale, limit))
    return items


def pack(items: Iterable[Item], scale: Scale, limit: int) -> list[list[Item]]:
    """Put every item into a document.  Each item must fit one by itself."""
    largest_first = sorted(items, key=lambda item: (-item.alone, PLACE(item.grants[0])))
    packed = _first_fit(largest_first, scale, limit)
    if len(largest_first) <= _SEARCHED_ITEMS:
        while len(packed) > _least(largest_first, scale, limit):
            better = _Search(largest_first, scale, limit, len(packed) - 1).run()
            if better is None:
                break
            packed = better
    return [one.items for one in packed]


def _together(grants: Sequence[Grant]) -> list[list[Grant]]:
    """Join what has one source or is nested.  Sorted input: whatever is inside a grant follows it without a gap."""
    group_of: dict[Source, int] = {}
    parent: list[int] = []

    def root(group: int) -> int:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    outer: Grant | None = None
    for grant in grants:
        if grant.source not in group_of:
            group_of[grant.source] = len(parent)
            parent.append(len(parent))
        if outer is not None and outer.bucket == grant.bucket and grant.prefix.startswith(outer.prefix):
            parent[root(group_of[grant.source])] = root(group_of[outer.source])
        else:
            outer = grant
    groups: dict[int, list[Grant]] = {}
    for grant in grants:
        groups.setdefault(root(group_of[grant.source]), []).append(grant)
    return list(groups.values())


def _item(grants: Sequence[Grant], scale: Scale) -> Item:
    strings = scale.own(grants[0]) if len(grants) == 1 else scale.strings(grants)
    return Item(tuple(grants), strings, scale.total(strings))


def _divided(group: Sequence[Grant], scale: Scale, limit: int) -> list[Item]:
    """Divide a group into families of nested grants, and a family that is too large into its grants."""
    families: list[list[Grant]] = []
    for grant in group:
        if families and families[-1][0].bucket == grant.bucket and grant.prefix.startswith(families[-1][0].prefix):
            families[-1].append(grant)
        else:
            families.append([grant])
    items = [_item(family, scale) for family in families]
    return [
        part
        for item in items
        for part in ([item] if item.alone <= limit else [_item([grant], scale) for grant in item.grants])
    ]


def _first_fit(items: Sequence[Item], scale: Scale, limit: int) -> list[Bin]:
    bins: list[Bin] = []
    open_bins: list[Bin] = []
    smallest = min((sum(item.strings.values()) for item in items), default=0)
    for item in items:
        target = next((one for one in open_bins if _fits(item, one, scale, limit)), None)
        if target is None:
            target = Bin(size=scale.total({}))
            bins.append(target)
            open_bins.append(target)
        _put(item, target, scale)
        if target.size + smallest > limit:
            open_bins.remove(target)
    return bins


def _fits(item: Item, one: Bin, scale: Scale, limit: int) -> bool:
    return one.size + scale.added(item.strings, one.slots) <= limit


def _put(item: Item, one: Bin, scale: Scale) -> None:
    one.size += scale.added(item.strings, one.slots)
    one.items.append(item)
    for slot in item.strings:
        one.slots[slot] = one.slots.get(slot, 0) + 1


def _take(item: Item, one: Bin, scale: Scale) -> None:
    one.items.pop()
    for slot in item.strings:
        one.slots[slot] -= 1
        if not one.slots[slot]:
            del one.slots[slot]
    one.size -= scale.added(item.strings, one.slots)


def _least(items: Sequence[Item], scale: Scale, limit: int) -> int:
    """Return a number of documents that no packing can go below."""
    strings = sum(sum(item.strings.values()) for item in items)
    slots = {slot for item in items for slot in item.strings}
    once = sum(scale.frame(slot) for slot in slots)
    return max(1, -(-(strings + once) // (limit - scale.total({}))))


class _Search:
    """Look for a packing into `count` documents, giving up after a fixed number of steps."""

    def __init__(self, items: Sequence[Item], scale: Scale, limit: int, count: int) -> None:
        self._items, self._scale, self._limit = items, scale, limit
        self._bins = [Bin(size=scale.total({})) for _ in range(count)]
        self._steps = _SEARCH_STEPS

    def run(self) -> list[Bin] | None:
        """Return the documents, or None if there is no such packing or it was not found in time."""
        return self._bins if self._place(0) else None

    def _place(self, number: int) -> bool:
        if number == len(self._items):
            return True
        item = self._items[number]
        tried_an_empty_one = False
        for one in self._bins:
            if not one.items and tried_an_empty_one:
                break  # all empty documents are alike
            tried_an_empty_one = tried_an_empty_one or not one.items
            self._steps -= 1
            if self._steps < 0:
                return False
            if _fits(item, one, self._scale, self._limit):
                _put(item, one, self._scale)
                if self._place(number + 1):
                    return True
                _take(item, one, self._scale)
        return False
