"""The forms in which `vend mc` and `vend rclone` take a place in a store, and the S3 path that each means.

| form | means |
|---|---|
| `s3://BUCKET/KEY`, `s3a://BUCKET/KEY` | just that |
| `tenant:NAME/KEY` | in the tenant's folder; `tenant.sql:NAME/KEY` in its folder of that kind |
| `home/KEY` | in one's own home; `home.sql/KEY` in the one of that kind |

What begins with `s3:`, `s3a:` or `tenant:` is always a place in a store.  `home/x` may be a file here, too: what exists
here wins, unless the word ends in `/`.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property

from vendor.client.errors import BadInput
from vendor.client.layout import Layout, layout
from vendor.client.sync import Client
from vendor.names import S3Path, parse_s3_path, parse_tenant_name

_S3 = ("s3://", "s3a://")
_KIND = r"(?:\.([a-z][a-z0-9_-]*))?"
_TENANT = re.compile(rf"tenant{_KIND}:([^/]+)(?:/(.*))?", re.ASCII | re.DOTALL)
_HOME = re.compile(rf"home{_KIND}/(.*)", re.ASCII | re.DOTALL)
_USUAL = "general"
"""The kind of home and tenant folder that is meant where none is named."""


def is_place(word: str) -> bool:
    """Say whether a word of a command line names a place in a store rather than a file here, or anything else."""
    if word.startswith(_S3) or _TENANT.fullmatch(word):
        return True
    if not _HOME.fullmatch(word):
        return False
    return word.endswith("/") or not os.path.lexists(word)


class Places:
    """Turns places into S3 paths.  The gateway is asked for its layout, and who we are, only where that matters."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def _layout(self) -> Layout:
        return self._client.run(layout())

    @cached_property
    def _me(self) -> str:
        return self._client.whoami().principal

    def resolve(self, word: str) -> S3Path:
        """Return what a place means.  Raises InvalidPath, InvalidName, BadInput."""
        if word.startswith(_S3):
            return parse_s3_path(word)
        if found := _TENANT.fullmatch(word):
            kind, name, key = found.groups()
            return _path(self._layout.tenants, kind, "{tenant}", parse_tenant_name(name), key or "")
        if found := _HOME.fullmatch(word):
            kind, key = found.groups()
            return _path(self._layout.homes, kind, "{user}", self._me, key)
        raise BadInput(f"{word[:80]!a} names no place in a store.")


def _path(templates: Mapping[str, tuple[str, str]], kind: str | None, hole: str, name: str, key: str) -> S3Path:
    if kind is None and _USUAL not in templates:
        kind = next(iter(templates), None)
    template = templates.get(kind or _USUAL)
    if template is None:
        known = ", ".join(templates) or "none"
        raise BadInput(f"There is no folder of the kind {kind or _USUAL!r} here.", remedy=f"Kinds are: {known}.")
    bucket, path = template
    return parse_s3_path(f"s3://{bucket}/{path.replace(hole, name)}{key}")
