"""Look for secrets where none may be: in every log, in everything that Redis writes to disk, and in what every process
shows of itself, its environment and its command line.

Allowed is what an operator configures: the gateway's environment holds its own settings, and unless they are given as
files the password of Redis, its signing key and a store's service key.  Nothing that comes or goes through the gateway
is allowed: no identity token, no lease token, no keys.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
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


def process_files(pids: Iterable[int]) -> list[Path]:
    """Return what processes, and all that they started, show of themselves; nothing where a system has no /proc."""
    if sys.platform != "linux":
        return []
    found: dict[int, None] = {}
    for pid in pids:
        try:
            leader = psutil.Process(pid)
            found |= dict.fromkeys([pid, *(child.pid for child in leader.children(recursive=True))])
        except psutil.NoSuchProcess:
            continue
    return [Path("/proc", str(pid), name) for pid in found for name in ("environ", "cmdline", "comm")]


def sweep(files: Iterable[Path], secrets: Iterable[tuple[str, str]]) -> list[Finding]:
    """Return where any of `secrets` (what it is, its text) stands in one of `files`.

    A process that has ended, or that shows itself to nobody, shows no secret either.
    """
    wanted = [(what, form) for what, text in secrets for form in _forms(text)]
    found = []
    for file in files:
        try:
            content = file.read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            if file.parts[1:2] != ("proc",):
                raise
            continue
        found += [Finding(what, file) for what, form in wanted if form in content]
    return found


def _forms(text: str) -> Iterator[bytes]:
    """A secret as it is, and as JSON with escaped slashes would write it."""
    if len(text) < 8:
        raise ValueError("too short to be looked for")
    yield text.encode()
    if "/" in text:
        yield text.replace("/", "\\/").encode()
