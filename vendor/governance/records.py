"""What Redis keeps of users, tenants and shares, as typed records.

Every value read back is parsed again: a field that somebody else wrote wrongly is a StateUnavailable that names the
key, never a wider grant.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Self

from vendor.errors import InvalidName, InvalidPath, StateUnavailable
from vendor.names import S3Path, TenantName, UserName, parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Grant, Level, Source


@dataclass(frozen=True, slots=True)
class User:
    """A user the gateway knows.  `revision` counts the last change; times are RFC 3339.

    Keys that were given before `keys_since` are not given again.
    """

    name: UserName
    first_seen: str
    display_name: str | None
    email: str | None
    disabled: bool
    revision: int
    keys_since: str | None = None

    @classmethod
    def read(cls, name: UserName, fields: Mapping[str, str]) -> Self | None:
        """Build from the stored hash; None when there is none."""
        if not fields:
            return None
        return cls(
            name=name,
            first_seen=fields.get("first_seen", ""),
            display_name=fields.get("display_name") or None,
            email=fields.get("email") or None,
            disabled=fields.get("disabled", "0") != "0",
            revision=stored_revision(fields),
            keys_since=fields.get("keys_since") or None,
        )


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant's metadata.  Times are RFC 3339, `*_by` are user names.

    `revision` counts every change of the tenant, its members and its stewards, `stewards_revision` those of its
    stewards alone.
    """

    name: TenantName
    display_name: str | None
    description: str | None
    website: str | None
    organization: str | None
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    revision: int
    stewards_revision: str

    @classmethod
    def read(cls, name: TenantName, fields: Mapping[str, str]) -> Self | None:
        """Build from the stored hash; None when there is none."""
        if not fields:
            return None
        return cls(
            name=name,
            display_name=fields.get("display_name") or None,
            description=fields.get("description") or None,
            website=fields.get("website") or None,
            organization=fields.get("organization") or None,
            created_at=fields.get("created_at", ""),
            created_by=fields.get("created_by", ""),
            updated_at=fields.get("updated_at", ""),
            updated_by=fields.get("updated_by", ""),
            revision=stored_revision(fields),
            stewards_revision=fields.get("stewards_rev", ""),
        )


class TargetKind(StrEnum):
    """Whom a share is with."""

    USER = "user"
    TENANT = "tenant"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a share is with: `name` is the user or the tenant, empty for everyone."""

    kind: TargetKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `user:bob`, `tenant:kbase` or `everyone`."""
        kind, _, name = text.partition(":")
        return cls(TargetKind(kind), name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)


def share_id(path: S3Path, target: Target) -> str:
    """The same path and target are the same share, so that sharing again replaces."""
    text = "\n".join((path.bucket, path.prefix, str(target)))
    return "s_" + base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:20]


@dataclass(frozen=True, slots=True)
class Share:
    """An owner's grant of one path to one target.  `expires_at` is in seconds since the epoch, None for no end.

    `owner` is whose path it is: `user:<name>` for a home, `tenant:<name>` for a tenant's path.
    """

    id: str
    path: S3Path
    target: Target
    level: Level
    expires_at: float | None
    owner: Target
    created_by: str
    created_at: str
    revision: int = 0

    def live(self, now: float) -> bool:
        """Say whether the share has not ended."""
        return self.expires_at is None or self.expires_at > now

    def fields(self) -> dict[str, str | None]:
        """The stored form, without its revision."""
        return {
            "path": self.path.text,
            "target": str(self.target),
            "access": str(self.level),
            "expires_at": "" if self.expires_at is None else repr(self.expires_at),
            "owner": str(self.owner),
            "created_by": self.created_by,
            "created_at": self.created_at,
        }

    def entry(self) -> str:
        """The few facts that resolving a user's grants needs, kept beside each target."""
        return json.dumps({"path": self.path.text, "access": str(self.level), "expires_at": self.expires_at})

    @classmethod
    def read(cls, share_id: str, fields: Mapping[str, str]) -> Self | None:
        """Build from the stored hash; None when there is none."""
        if not fields:
            return None
        try:
            return cls(
                id=share_id,
                path=parse_s3_path(fields["path"]),
                target=Target.parse(fields["target"]),
                level=Level(fields["access"]),
                expires_at=float(fields["expires_at"]) if fields["expires_at"] else None,
                owner=Target.parse(fields["owner"]),
                created_by=fields["created_by"],
                created_at=fields["created_at"],
                revision=stored_revision(fields),
            )
        except (KeyError, ValueError, InvalidPath) as problem:
            raise StateUnavailable(f"The stored share {share_id} cannot be read.") from problem


def stored_revision(fields: Mapping[str, str]) -> int:
    """Parse the revision of a stored hash.  Raises StateUnavailable for one that cannot be read."""
    try:
        return int(fields["rev"])
    except (KeyError, ValueError) as problem:
        raise StateUnavailable("A stored revision cannot be read.") from problem


@lru_cache(maxsize=16_384)
def share_grant(share_id: str, entry: str) -> Grant:
    """Return the grant that a share's entry stands for.  Raises StateUnavailable for an entry that cannot be read.

    The same share reaches many people and is read at every lease; nothing but its own text goes into its meaning.
    """
    try:
        fields = json.loads(entry)
        path = parse_s3_path(fields["path"])
        expires_at = fields["expires_at"]
        return Grant(
            bucket=path.bucket,
            prefix=path.prefix,
            level=Level(fields["access"]),
            source=Source(f"share:{share_id}"),
            with_key=True,
            expires_at=None if expires_at is None else float(expires_at),
        )
    except (KeyError, ValueError, TypeError, InvalidPath) as problem:
        raise StateUnavailable(f"The stored share {share_id} cannot be read.") from problem


def membership(tenant: str, access: str) -> tuple[TenantName, Access]:
    """Parse one stored membership.  Raises StateUnavailable for one that cannot be read."""
    try:
        return parse_tenant_name(tenant), Access(access)
    except (ValueError, InvalidName) as problem:
        raise StateUnavailable(f"The stored membership in {tenant!r} cannot be read.") from problem


def stored_user(name: str) -> UserName:
    """Parse a stored user name.  Raises StateUnavailable for one that cannot be read."""
    try:
        return parse_user_name(name)
    except InvalidName as problem:
        raise StateUnavailable("A stored user name cannot be read.") from problem
