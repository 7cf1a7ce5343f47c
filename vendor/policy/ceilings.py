"""The documents that are kept in a store for one slot: together they allow some grants and nothing else.

How many there are is fixed when a lease names them, so a slot keeps its number of documents while grants come and go,
and none moves from one to another: which one holds a grant follows from where the grant comes from.  A document has
room left when the number is chosen, so that there is some for what is granted later.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from vendor.errors import PolicyTooLarge
from vendor.policy.access import AccessTable
from vendor.policy.document import Allow, DenyAdmin, DenyAll, render
from vendor.policy.grant import Grant
from vendor.policy.planner import CEILING_LIMIT, policy_for
from vendor.policy.scope import minimal

MOST_PARTS: Final = 64
FILLED: Final = 0.7  # how full documents are when their number is chosen
_NOWHERE: Final = Allow(("s3:GetObject",), ("-/-",))  # no bucket can have that name; an empty document is refused

Texts = tuple[str, ...]


def nothing(access: AccessTable, *, denials: bool) -> str:
    """Return a document that allows nothing, to take its place among others that allow something."""
    denied = [DenyAdmin(access.denied)] if denials and access.denied else []
    return render([*denied, _NOWHERE]).text


def no_more(access: AccessTable, *, denials: bool) -> str:
    """Return a document for leases that are over; with denials, whatever else they name is over, too."""
    if not denials:
        return nothing(access, denials=False)
    denied = [DenyAdmin(access.denied)] if access.denied else []
    return render([*denied, DenyAll()]).text


def plan_parts(grants: Sequence[Grant], access: AccessTable, *, parts: int, denials: bool) -> Texts:
    """Return documents that together allow `grants`: as many as `parts`, or more where so many cannot hold them.

    With `parts` 0 their number is chosen.  Raises PolicyTooLarge for what no number of documents can hold.
    """
    wanted = minimal(grants)
    limit = CEILING_LIMIT if parts else int(CEILING_LIMIT * FILLED)
    total = policy_for(wanted, access, deny_admin=denials).bytes
    for count in range(max(1, parts, -(-total // limit)), MOST_PARTS + 1):
        texts = _spread(wanted, access, count, denials=denials)
        largest = max(len(text) for text in texts)
        if largest <= limit or (len(wanted) == 1 and largest <= CEILING_LIMIT):
            return texts
    raise PolicyTooLarge(size=total, limit=CEILING_LIMIT * MOST_PARTS, largest=[], split_possible=True)


def digest_of(text: str) -> str:
    """Return what tells two documents apart, and the larger one from the smaller."""
    return f"{hashlib.sha256(text.encode('ascii')).hexdigest()[:32]}:{len(text)}"


def _spread(wanted: Sequence[Grant], access: AccessTable, count: int, *, denials: bool) -> Texts:
    shares: list[list[Grant]] = [[] for _ in range(count)]
    for grant in wanted:
        shares[_place(grant, count)].append(grant)
    return tuple(
        policy_for(share, access, deny_admin=denials).text if share else nothing(access, denials=denials)
        for share in shares
    )


def _place(grant: Grant, count: int) -> int:
    """What comes from one source stays together, as far as one source goes: a share is one, a tenant is another."""
    if count == 1:
        return 0
    where = f"{grant.source}\n{grant.bucket}/{grant.prefix}"
    return int.from_bytes(hashlib.sha256(where.encode()).digest()[:8], "big") % count
