"""What grants come to, bucket by bucket: the strings that a document has to name, each of them once.

A string here is a resource without its bucket: `folder/*`, or an exact key.  A folder under one of the same or a
wider level is left out, and so is reading where writing is allowed anyway.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vendor.names import Bucket, Prefix
from vendor.policy.access import AccessTable
from vendor.policy.document import Allow
from vendor.policy.grant import Grant, Level


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be listed, what may only be read, and what may be read and written, in one bucket."""

    bucket: Bucket
    listed: tuple[str, ...]
    read: tuple[str, ...]
    written: tuple[str, ...]

    def statements(self, access: AccessTable) -> Iterator[Allow]:
        """Yield the statements of this bucket.  They never name another one: a shared list would cross-grant."""
        if access.bucket:
            yield Allow(access.spelled(access.bucket), (self.bucket,))
        yield Allow(access.spelled(access.listing), (self.bucket,), self.listed)
        for level, patterns in ((Level.READ, self.read), (Level.WRITE, self.written)):
            if patterns:
                actions = access.spelled(access.on_objects(level))
                yield Allow(actions, tuple([f"{self.bucket}/{pattern}" for pattern in patterns]))


def reaches(grants: Iterable[Grant]) -> list[Reach]:
    """Return what `grants` reach, sorted by bucket."""
    buckets: dict[Bucket, list[Grant]] = {}
    for grant in grants:
        buckets.setdefault(grant.bucket, []).append(grant)
    return [_reach(bucket, buckets[bucket]) for bucket in sorted(buckets)]


def _reach(bucket: Bucket, grants: list[Grant]) -> Reach:
    folders = _outermost({grant.prefix for grant in grants})
    writable = _outermost({grant.prefix for grant in grants if grant.level is Level.WRITE})
    keys = {grant.key for grant in grants if grant.with_key}
    write_keys = {grant.key for grant in grants if grant.with_key and grant.level is Level.WRITE}
    written_keys = {key for key in write_keys if not _inside(key, writable)}
    read_keys = {key for key in keys - written_keys if not _inside(key, folders)}
    also_written = set(writable)  # an outermost folder is writable only by itself: what holds it would be outermost
    return Reach(
        bucket,
        listed=tuple([f"{folder}*" for folder in folders]),
        read=(*[f"{folder}*" for folder in folders if folder not in also_written], *sorted(read_keys)),
        written=(*[f"{folder}*" for folder in writable], *sorted(written_keys)),
    )


def _outermost(folders: set[Prefix]) -> list[str]:
    """Return, sorted, the folders that lie in none of the others.

    In sorted order everything inside a folder follows it without a gap, so looking at the last one kept is enough.
    """
    kept: list[str] = []
    for folder in sorted(folders):
        if not kept or not folder.startswith(kept[-1]):
            kept.append(folder)
    return kept


def _inside(text: str, folders: list[str]) -> bool:
    """Say whether a folder or key is in one of the sorted, unnested `folders`."""
    before = bisect_right(folders, text)
    return before > 0 and text.startswith(folders[before - 1])
