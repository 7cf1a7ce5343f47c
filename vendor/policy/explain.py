"""Say why a path may or may not be used, what is nearest, and whom to ask; and the reverse: who reaches a path.

Pure functions over grants that were resolved elsewhere.  They use the same definition of what a grant covers that the
documents are held against.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vendor.errors import InvalidRequest
from vendor.names import S3Path, TenantName, UserName
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level
from vendor.policy.layout import Layout
from vendor.policy.scope import minimal
from vendor.policy.weight import Scale, own_bytes

_NEAREST = 5


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose folder a path lies in: a user's, a tenant's, or nobody's that the layout knows."""

    user: UserName | None = None
    tenant: TenantName | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is allowed or not.  `because` allow it; `nearest` come closest, best first, if nothing does."""

    allowed: bool
    because: tuple[Grant, ...]
    nearest: tuple[Grant, ...]
    owner: Owner
    remedy: str


@dataclass(frozen=True, slots=True)
class Reacher:
    """Somebody who reaches a path, or (`whole` False) only parts of what lies below it."""

    holder: str
    grants: tuple[Grant, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """A grant and the bytes its own strings take in a policy over everything; 0 where another grant covers it."""

    grant: Grant
    bytes: int


def parse_action(text: str, access: AccessTable) -> Level | None:
    """Read `read`, `write`, `list` or the name of an S3 action as the level it needs.

    None is for S3 actions that no grant ever allows.  Raises InvalidRequest for anything else.
    """
    if text in {"read", "list"}:
        return Level.READ
    if text == "write":
        return Level.WRITE
    if not text.lower().startswith("s3:") or not text.isascii() or not text[3:].isalpha():
        raise InvalidRequest("'action' must be read, write, list, or an S3 action such as s3:GetObject.")
    return access.level_for(text)


def owner_of(path: S3Path, layout: Layout) -> Owner:
    """Return whose folder a path lies in."""
    return Owner(layout.home_owner(path.bucket, path.prefix), layout.tenant_of(path.bucket, path.prefix))


def covers(grant: Grant, path: S3Path, level: Level) -> bool:
    """Say whether a grant allows `level` on the folder of that name or, without a last slash, on the object."""
    on_folder = grant.bucket == path.bucket and path.prefix.startswith(grant.prefix) and grant.level.covers(level)
    return on_folder or grant.covers_object(path.bucket, path.key.text, level)


def explain(grants: Sequence[Grant], path: S3Path, level: Level | None, layout: Layout) -> Explanation:
    """Explain an answer.  A `level` of None is an action that no grant ever allows."""
    owner = owner_of(path, layout)
    if level is None:
        return Explanation(False, (), (), owner, "No lease ever allows this action; ask the operator of the store.")
    because = tuple(grant for grant in grants if covers(grant, path, level))
    if because:
        return Explanation(True, because, (), owner, "Nothing to do: ask for a lease on this path.")
    nearest = _nearest(grants, path)
    return Explanation(False, (), nearest, owner, _remedy(nearest, path, level, owner))


def who_can(holders: Mapping[str, Sequence[Grant]], path: S3Path, level: Level) -> tuple[Reacher, ...]:
    """Return everybody who reaches a path or something below it at a level, those who reach all of it first."""
    found = []
    for holder, grants in holders.items():
        whole = tuple(grant for grant in grants if covers(grant, path, level))
        parts = tuple(grant for grant in grants if grant.level.covers(level) and _below(grant, path))
        if whole or parts:
            found.append(Reacher(holder, whole or parts, bool(whole)))
    return tuple(sorted(found, key=lambda reacher: (not reacher.whole, reacher.holder)))


def weigh(grants: Sequence[Grant], access: AccessTable) -> tuple[int, tuple[Weighed, ...]]:
    """Return what one policy over `grants` would weigh, and what each of them puts into it."""
    scale = Scale(access)
    fewest = minimal(grants)
    total = scale.total(scale.strings(fewest)) if fewest else 0
    counted = set(fewest)
    weighed = []
    for grant in grants:
        weighed.append(Weighed(grant, own_bytes(grant) if grant in counted else 0))
        counted.discard(grant)  # of several equal ones the first pays
    return total, tuple(weighed)


def _below(grant: Grant, path: S3Path) -> bool:
    return grant.bucket == path.bucket and grant.prefix.startswith(path.prefix)


def _nearest(grants: Iterable[Grant], path: S3Path) -> tuple[Grant, ...]:
    """Return grants in the same bucket that share a folder with the path; those that hold it count as nearest."""
    wanted = path.prefix.split("/")

    def shared(grant: Grant) -> int:
        held = path.prefix.startswith(grant.prefix)
        pairs = zip(wanted, grant.prefix.split("/"), strict=False)
        same = next((number for number, (one, other) in enumerate(pairs) if one != other), len(wanted))
        return same + 1000 * held

    close = [grant for grant in grants if grant.bucket == path.bucket and shared(grant) > 0]
    return tuple(sorted(close, key=lambda grant: (-shared(grant), grant.prefix, grant.source))[:_NEAREST])


def _remedy(nearest: Sequence[Grant], path: S3Path, level: Level, owner: Owner) -> str:
    whom = _whom(owner)
    if any(path.prefix.startswith(grant.prefix) for grant in nearest):
        return f"You may read here but not write. {whom} to raise it to write."
    below = [grant for grant in nearest if _below(grant, path) and grant.level.covers(level)]
    if below:
        paths = ", ".join(f"s3://{grant.bucket}/{grant.prefix}" for grant in below)
        return f"Only parts of this are granted to you: {paths}. Ask for one of them, or: {whom} for the whole."
    return f"{whom} for access."


def _whom(owner: Owner) -> str:
    if owner.user is not None:
        return f"Ask {owner.user}, whose home this is, for a share"
    if owner.tenant is not None:
        return f"Ask a steward of the tenant {owner.tenant} for membership"
    return "This is nobody's home and no tenant's folder; ask the operator of this gateway"
