"""Look for secrets where none may be: in every log, and in everything that Redis writes to disk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from vendor.dev.stack import Stack


@dataclass(frozen=True)
class Finding:
    """A secret in a file.  Names the kind of secret, never the secret."""

    what: str
    file: Path


def redis_files(stack: Stack) -> list[Path]:
    """Have Redis write all it holds to disk, uncompressed so that nothing hides, and return its files."""
    with redis.Redis.from_url(stack.valkey.url, socket_timeout=10) as server:
        server.config_set("rdbcompression", "no")
        server.save()
    folder = stack.folder.path / "valkey"
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".conf"]


def sweep(files: Iterable[Path], secrets: Iterable[tuple[str, str]]) -> list[Finding]:
    """Return where any of `secrets` (what it is, its text) stands in one of `files`."""
    wanted = [(what, form) for what, text in secrets for form in _forms(text)]
    found = []
    for file in files:
        content = file.read_bytes()
        found += [Finding(what, file) for what, form in wanted if form in content]
    return found


def _forms(text: str) -> Iterator[bytes]:
    """A secret as it is, and as JSON with escaped slashes would write it."""
    if len(text) < 8:
        raise ValueError("too short to be looked for")
    yield text.encode()
    if "/" in text:
        yield text.replace("/", "\\/").encode()
