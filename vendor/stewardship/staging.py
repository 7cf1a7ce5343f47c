"""Write the records of a state where nobody reads yet, by the same edits that ordinary changes consist of.

So a record about somebody who is not there, a second one of the same thing, or a share that could not have been made
is found and refused, with the number of its line.
"""

import json
from collections.abc import Hashable, Iterator
from itertools import groupby
from typing import Final

from vendor.errors import InvalidRequest, NotOwner
from vendor.governance import edits, keys
from vendor.governance.change import Change
from vendor.governance.generations import Generations, Refused, Staged
from vendor.governance.records import Share, Tenant, User
from vendor.governance.statefile import Member, Record, Steward
from vendor.policy.layout import Layout
from vendor.stewardship.ownership import owner_of
from vendor.stewardship.sharing import require_room
from vendor.stewardship.tenants import said_of, twins

AT_ONCE: Final = 500  # records that are written in one step

Numbered = tuple[int, Record]
"""A record with the number of its line."""


async def stage(generations: Generations, staged: Staged, records: Iterator[Numbered], layout: Layout) -> None:
    """Write all records.  Raises InvalidRequest, StateUnavailable, Conflict."""
    for _, alike in groupby(records, key=lambda numbered: type(numbered[1])):
        # One kind at a time: what a record hangs on has to be there before the step that writes it.
        while batch := list(_first(alike)):
            await _stage_batch(generations, staged, batch, layout)


def refused(number: int, problem: str) -> InvalidRequest:
    """Return the refusal of a line."""
    return InvalidRequest(f"Line {number}: {problem}.", details={"line": number})


def _first(records: Iterator[Numbered]) -> Iterator[Numbered]:
    for _ in range(AT_ONCE):
        try:
            yield next(records)
        except StopIteration:
            return


async def _stage_batch(generations: Generations, staged: Staged, batch: list[Numbered], layout: Layout) -> None:
    change = Change()
    seen: set[Hashable] = set()
    checked: list[int] = []  # the line that each check, then each claim of room, is about
    roomed: list[int] = []
    for number, record in batch:
        if _same(record) & seen:
            raise refused(number, _NOT_THERE)
        seen |= _same(record) if not isinstance(record, Tenant) else {record.name}
        _put(change, number, record, layout)
        checked += [number] * (len(change.checks) - len(checked))
        roomed += [number] * (len(change.room) - len(roomed))
    try:
        await generations.stage(staged, change)
    except Refused as refusal:
        raise refused((checked + roomed)[refusal.check], _NOT_THERE) from None


_NOT_THERE: Final = (
    "names a user or a tenant that stands in no line above, is there twice, or is one more than there is room for"
)


def _same(record: Record) -> set[Hashable]:
    """What nothing else in the same state may be."""
    match record:
        case User():
            return {record.name}
        case Tenant():
            return {record.name, *twins(record.name)}
        case Share():
            return {record.id}
        case Member() | Steward():
            return {(record.tenant, record.user)}


def _put(change: Change, number: int, record: Record, layout: Layout) -> None:
    match record:
        case User():
            edits.add_user(change, record.name, record.first_seen, record.display_name, record.email)
            rest = {"disabled": "1" if record.disabled else "0", "keys_since": record.keys_since or ""}
            change.put(keys.user(record.name), {**rest})
        case Tenant():
            edits.add_tenant(change, record.name, said_of(record))
            for twin in twins(record.name):
                change.require(keys.tenant(twin), "rev", expected=False)
        case Member():
            change.require(keys.members(record.tenant), record.user, expected=False)
            edits.set_member(change, record.tenant, record.user, record.access)
        case Steward():
            change.require(keys.stewards(record.tenant), record.user, expected=False)
            named = {"assigned_at": record.assigned_at, "assigned_by": record.assigned_by}
            edits.set_steward(change, record.tenant, record.user, json.dumps(named))
        case Share():
            _put_share(change, number, record, layout)


def _put_share(change: Change, number: int, share: Share, layout: Layout) -> None:
    try:
        owner = owner_of(share.path, layout)
    except NotOwner as refusal:
        raise refused(number, "path: lies in nobody's home and in no tenant") from refusal
    if share.owner != owner:
        raise refused(number, f"owner: by the layout in force the path is that of {owner}")
    if share.target == owner:
        raise refused(number, "with: a path is not shared with its own owner")
    change.require(keys.share(share.id), "rev", expected=False)
    require_room(change, share.owner, share.target)
    edits.put_share(change, share)
