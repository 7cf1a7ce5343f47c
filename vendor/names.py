"""Names and paths, parsed once at the edge.

What could widen a policy cannot be a name: no wildcards, no policy variables, no encodings, no segments that a store
or a client folds together.  Everything behind the edge takes the types below and checks nothing again.

Sources of the rules: MinIO and SeaweedFS match policy resources as patterns in which `*`, `?` and `${…}` cannot be
escaped; SeaweedFS folds `//` and compares keys without regard to case; S3A folds `.` and `..`.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

from vendor.errors import InvalidName, InvalidPath

UserName = NewType("UserName", str)
"""A checked user name: 2 to 64 of `a-z 0-9 . _ -`, alphanumeric ends, never two punctuation marks in a row."""
TenantName = NewType("TenantName", str)
"""A checked tenant name: 2 to 64 of `a-z 0-9`, first a letter."""
Bucket = NewType("Bucket", str)
"""A checked bucket name: 3 to 63 of `a-z 0-9 -`, alphanumeric ends; no dots, so that TLS wildcards work."""
Prefix = NewType("Prefix", str)
"""A checked key prefix: not empty, ends in `/`, which is what keeps a sibling of the same beginning out."""

_USER = re.compile(r"[a-z0-9](?:[._-]?[a-z0-9])*", re.ASCII)
_TENANT = re.compile(r"[a-z][a-z0-9]*", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)

PROBE_USER = UserName("vendor-probe")
"""In whose home the gateway tries the store; nobody can have the name."""

RESERVED_USERS = frozenset(
    {
        PROBE_USER,
        "admin",
        "anonymous",
        "backup",
        "everyone",
        "guest",
        "minio",
        "public",
        "root",
        "service",
        "shared",
        "system",
        "warehouse",
    }
)
RESERVED_TENANTS = frozenset(
    {"admin", "all", "backup", "default", "everyone", "minio", "public", "root", "service", "system", "warehouse"}
)

_SCHEMES = ("s3a://", "s3://")
_WIDENING = frozenset("*?${}\\")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_MAX_KEY_BYTES = 1024  # S3's own limit on a key


def parse_user_name(text: str) -> UserName:
    """Return `text` as a user name, or raise InvalidName."""
    return UserName(_name(text, _USER, RESERVED_USERS, "user name"))


def parse_tenant_name(text: str) -> TenantName:
    """Return `text` as a tenant name, or raise InvalidName."""
    return TenantName(_name(text, _TENANT, RESERVED_TENANTS, "tenant name"))


def parse_bucket(text: str) -> Bucket:
    """Return `text` as a bucket name, or raise InvalidPath."""
    if not 3 <= len(text) <= 63 or not _BUCKET.fullmatch(text):
        raise InvalidPath(f"{_shown(text)} is not a bucket name.")
    return Bucket(text)


def parse_prefix(text: str) -> Prefix:
    """Return `text` as a prefix; a missing last `/` is added.  Raises InvalidPath, for an empty one too."""
    return S3Key(_checked_key(text, shown=text)).prefix


@dataclass(frozen=True, slots=True)
class S3Key:
    """A checked key: a folder if it ends in `/`, otherwise either an object or a folder."""

    text: str

    @property
    def prefix(self) -> Prefix:
        """The folder of this name."""
        return Prefix(self.text if self.text.endswith("/") else self.text + "/")


@dataclass(frozen=True, slots=True)
class S3Path:
    """A path as a caller wrote it (`text`), and what it means.  `s3://` and `s3a://` mean the same."""

    text: str
    bucket: Bucket
    key: S3Key

    @property
    def prefix(self) -> Prefix:
        """The folder of this name in `bucket`."""
        return self.key.prefix


def parse_s3_path(text: str) -> S3Path:
    """Parse `s3://bucket/key` or `s3a://bucket/key`.

    Raises InvalidPath for another scheme, for a path that is only a bucket, and for every key that could mean more
    or something else than it says.
    """
    scheme = next((scheme for scheme in _SCHEMES if text.startswith(scheme)), None)
    if scheme is None:
        raise InvalidPath(f"{_shown(text)} does not start with s3:// or s3a://.")
    bucket, slash, key = text[len(scheme) :].partition("/")
    if not slash or not key:
        raise InvalidPath(f"{_shown(text)} names no folder or object inside the bucket.")
    return S3Path(text, parse_bucket(bucket), S3Key(_checked_key(key, shown=text)))


def _name(text: str, pattern: re.Pattern[str], reserved: frozenset[str], kind: str) -> str:
    if not 2 <= len(text) <= 64:
        raise InvalidName(f"A {kind} has 2 to 64 characters; {_shown(text)} has {len(text)}.")
    if not pattern.fullmatch(text):
        raise InvalidName(f"{_shown(text)} is not a {kind}.")
    if text in reserved:
        raise InvalidName(f"{_shown(text)} is reserved.", remedy="Choose another name.")
    return text


def _checked_key(key: str, *, shown: str) -> str:
    problem = _problem_with_key(key)
    if problem is not None:
        raise InvalidPath(f"{_shown(shown)} {problem}.")
    return key


def _problem_with_key(key: str) -> str | None:
    if not key or key == "/":
        return "names no folder or object"
    try:
        size = len(key.removesuffix("/").encode("utf-8"))  # so that a key and the folder of its name are both taken
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if size > _MAX_KEY_BYTES:
        return f"is longer than {_MAX_KEY_BYTES} bytes"
    if _WIDENING.intersection(key):
        return "holds one of * ? $ { } \\, which a store could read as a pattern"
    if _ENCODED.search(key):
        return "holds a percent-encoding; write the characters themselves"
    # What can be printed is of no Unicode category "Other", nor a separator but the blank: nearly every key, told in C.
    problem = None if key.isprintable() else _problem_with_characters(key)
    return problem or _problem_with_segments(key)


def _problem_with_characters(key: str) -> str | None:
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in key):
        return "holds a control or formatting character"
    if any(ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF for character in key):
        return "holds a code point that is no character, which no listing could show"
    return None


def _problem_with_segments(key: str) -> str | None:
    segments = key.removesuffix("/").split("/")
    if "" in segments:
        return "holds an empty part ('//' or a leading '/')"
    if any(segment in {".", ".."} for segment in segments):
        return "holds a '.' or '..' part"
    if any(segment != segment.strip() or segment.endswith(".") for segment in segments):
        return "holds a part that starts or ends with a blank, or ends with a dot"
    return None


def _shown(text: str) -> str:
    """Quote caller text for a message: printable ASCII, bounded, so that it cannot forge a log line."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
