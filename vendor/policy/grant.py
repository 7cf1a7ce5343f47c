"""Grants: the resolved facts that every policy document is made from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Self

from vendor.names import Bucket, Prefix, S3Path


class Level(StrEnum):
    """What a grant allows.  `write` includes `read`."""

    READ = "read"
    WRITE = "write"

    def covers(self, asked: "Level") -> bool:
        """Say whether this level is enough for `asked`."""
        return self is Level.WRITE or asked is Level.READ

    def at_most(self, other: "Level") -> "Level":
        """Return the lesser of the two."""
        return Level.WRITE if self is other is Level.WRITE else Level.READ


class Access(StrEnum):
    """What a member of a tenant may do with the tenant's data."""

    READ_ONLY = "read_only"
    READ_WRITE = "read_write"

    @property
    def level(self) -> Level:
        """The level of the grants that this membership gives."""
        return Level.WRITE if self is Access.READ_WRITE else Level.READ


Source = NewType("Source", str)
"""Why a grant exists: `home`, `tenant:<name>`, `share:<id>` or `system`."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One principal may do `level` to everything under `prefix` in `bucket`, because of `source`.

    With `with_key` the grant also holds for the object whose key is the prefix without its last slash: a share of
    `…/x` is the folder `x/` and the exact key `x`.  `expires_at` is in seconds since the epoch, None for no end.
    """

    bucket: Bucket
    prefix: Prefix
    level: Level
    source: Source
    with_key: bool = False
    expires_at: float | None = None

    @property
    def key(self) -> str:
        """The exact key that `with_key` adds."""
        return self.prefix.removesuffix("/")

    def covers_object(self, bucket: str, key: str, level: Level) -> bool:
        """Say whether this grant allows `level` on one object: the definition that documents are held against."""
        inside = key.startswith(self.prefix) or (self.with_key and key == self.key)
        return bucket == self.bucket and inside and self.level.covers(level)

    def covers_grant(self, other: Self) -> bool:
        """Say whether everything `other` allows is allowed by this grant, too (ends aside)."""
        if self.bucket != other.bucket or not self.level.covers(other.level):
            return False
        if other.prefix == self.prefix:
            return self.with_key or not other.with_key
        return other.prefix.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Ask:
    """One entry of the scope a caller asks for: a path, as the folder and the exact key of that name, at a level."""

    path: S3Path
    level: Level
