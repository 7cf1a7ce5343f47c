"""Single servers of the development stack for tests that need no gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from vendor.dev.folder import StateFolder, open_folder
from vendor.dev.idp import Idp, start_idp
from vendor.dev.kbase import KBase, start_kbase
from vendor.dev.process import Children
from vendor.dev.valkey import Valkey, start_valkey

POLICIES = Path(__file__).parents[2] / "policies"


class Parts:
    """Servers that start when they are first asked for."""

    def __init__(self, folder: StateFolder, children: Children) -> None:
        self.folder = folder
        self.children = children

    @cache  # noqa: B019  # there is one for the whole session
    def valkey(self) -> Valkey:
        return start_valkey(self.folder, self.children)

    @cache  # noqa: B019  # as above
    def idp(self) -> Idp:
        return start_idp(self.folder, self.children)

    @cache  # noqa: B019  # as above
    def kbase(self) -> KBase:
        return start_kbase(self.folder, self.children)


@contextmanager
def single_parts() -> Iterator[Parts]:
    """Provide parts as long as the block lasts; afterwards nothing of them is left."""
    with open_folder(None) as folder:
        children = Children()
        try:
            yield Parts(folder, children)
        finally:
            children.stop(kill=True)


def emptied(server: Valkey) -> str:
    """Empty a server of data and scripts, and return its URL."""
    import redis

    with redis.Redis.from_url(server.url, socket_timeout=5) as connection:
        connection.flushall()
        connection.script_flush()
    return server.url
