"""From what is granted and what is asked to the grants that go into one policy.

An ask is never cut silently: it is granted whole, or it is not granted.  What is granted keeps the source and the end
of the grant that allows it, so that a lease can say why it may do something and can end in time.
"""

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vendor.names import Bucket, Prefix, S3Key, S3Path
from vendor.policy.grant import Ask, Grant, Level, Source

_Place = tuple[Bucket, Prefix]
PLACE = operator.attrgetter("bucket", "prefix")
"""Sorts grants so that whatever lies in a folder follows it without a gap."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An ask that is granted, as the grants it comes to: at the asked level, with the source that allows it.

    The exact key of the asked name is included where a grant covers it; at the root of a folder it may be missing,
    since most folders are granted without the key of their own name.
    """

    ask: Ask
    grants: tuple[Grant, ...]
    source: Source
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a scope comes to.  `grants` is the minimal set over everything granted: what a policy is made from."""

    granted: tuple[Granted, ...]
    not_granted: tuple[Ask, ...]
    grants: tuple[Grant, ...]

    @property
    def expires_at(self) -> float | None:
        """When the first of the grants in use ends: a lease over them must end then, too."""
        return min((grant.expires_at for grant in self.grants if grant.expires_at is not None), default=None)


def live(grants: Iterable[Grant], now: float) -> tuple[Grant, ...]:
    """Return the grants that have not ended at `now`."""
    return tuple(grant for grant in grants if grant.expires_at is None or grant.expires_at > now)


def minimal(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return the fewest grants that allow the same: children, lower levels and duplicates fall to what covers them.

    Of two that allow the same, the one that ends later stays.  The result is sorted by bucket and prefix.
    """
    kept: list[Grant] = []
    above: list[Grant] = []  # the kept grants whose folders hold the current one, outermost first
    for grant in _strongest_first(grants):
        while above and not (grant.prefix.startswith(above[-1].prefix) and above[-1].bucket == grant.bucket):
            above.pop()
        if not above or not any(outer.covers_grant(grant) for outer in above):
            kept.append(grant)
            above.append(grant)
    return tuple(kept)


def narrow(grants: Sequence[Grant], asks: Sequence[Ask] | None) -> Narrowed:
    """Cut `grants` (all of them still live) to what is asked; None asks for everything.

    An ask inside a grant narrows to the ask; an ask wider than every grant is not granted.
    """
    if asks is None:
        everything = minimal(grants)
        granted = tuple(Granted(ask_for(grant), (grant,), grant.source, grant.expires_at) for grant in everything)
        return Narrowed(granted, (), everything)
    places: dict[_Place, list[Grant]] = {}
    for grant in grants:
        places.setdefault((grant.bucket, grant.prefix), []).append(grant)
    found = [(ask, _granted(ask, places)) for ask in asks]
    granted = tuple(answer for _, answer in found if answer is not None)
    refused = tuple(ask for ask, answer in found if answer is None)
    return Narrowed(granted, refused, minimal(piece for answer in granted for piece in answer.grants))


def ask_for(grant: Grant) -> Ask:
    """Return the ask that a grant answers exactly."""
    return Ask(S3Path(f"s3://{grant.bucket}/{grant.prefix}", grant.bucket, S3Key(grant.prefix)), grant.level)


def _granted(ask: Ask, places: dict[_Place, list[Grant]]) -> Granted | None:
    bucket, prefix, key = ask.path.bucket, ask.path.prefix, ask.path.prefix.removesuffix("/")
    holders = [
        grant
        for folder in _folders_down_to(prefix)
        for grant in places.get((bucket, folder), ())
        if grant.level.covers(ask.level)
    ]
    if not holders:
        return None
    best = max(holders, key=lambda grant: (_end(grant), grant.covers_object(bucket, key, ask.level)))
    with_key = best.covers_object(bucket, key, ask.level)
    piece = Grant(bucket, prefix, ask.level, best.source, with_key, best.expires_at)
    return Granted(ask, (piece,), best.source, best.expires_at)


def _folders_down_to(prefix: Prefix) -> Iterator[Prefix]:
    """Yield `a/`, `a/b/`, `a/b/c/` for `a/b/c/`."""
    end = prefix.find("/")
    while end >= 0:
        yield Prefix(prefix[: end + 1])
        end = prefix.find("/", end + 1)


def _strongest_first(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Yield grants by bucket and prefix, and those for one folder with the one that allows most first."""
    for _, group in itertools.groupby(sorted(grants, key=PLACE), key=PLACE):
        same = list(group)
        if len(same) > 1:
            same.sort(key=lambda grant: (grant.level is Level.READ, not grant.with_key, -_end(grant), grant.source))
        yield from same


def _end(grant: Grant) -> float:
    return float("inf") if grant.expires_at is None else grant.expires_at
