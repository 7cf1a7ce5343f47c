"""Inside a server that was handed a lease: loopback endpoints for what cannot use the lease token by itself.

`%load_ext vendor.integrations.notebook`, or a line in IPython's start-up files, serves the keys to this kernel and what
it starts, for SDKs that take no plain http from another machine or do not know token files.  `key_pair()` serves S3
itself, to clients that know only an access key and a secret; see docs/jupyterhub.md.  Both live as long as the process.
"""

import atexit
import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vendor.cli.environment import STALE
from vendor.cli.loopback import serving
from vendor.client.errors import BadInput
from vendor.client.keeper import Keeper
from vendor.client.sync import Client
from vendor.integrations.proxy.pairs import kept_pair, new_pair
from vendor.integrations.proxy.server import Proxy
from vendor.integrations.spark import GATEWAY_VARIABLE, TOKEN_FILE_VARIABLE
from vendor.integrations.tokenfile import TokenFileSource

_until_exit: Final = ExitStack()
atexit.register(_until_exit.close)
_served: dict[int, dict[str, str]] = {}
_log = logging.getLogger("vendor.integrations")


@dataclass(frozen=True, slots=True)
class PairEndpoint:
    """An S3 endpoint of this machine and the pair that opens it."""

    url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str


def key_pair(
    *,
    port: int = 0,
    pair_file: str | os.PathLike[str] | None = None,
    lease_token_file: str | os.PathLike[str] | None = None,
    gateway: str | None = None,
    insecure_http: bool = False,
) -> PairEndpoint:
    """Serve S3 on loopback with the lease that this server was handed, until the process ends.

    The pair never ends and is good at this endpoint only.  With `pair_file` and `port`, it is the same the next time.
    """
    pair = kept_pair(Path(pair_file)) if pair_file else new_pair()
    keeper = _keeper(lease_token_file, gateway, insecure_http=insecure_http)
    try:
        proxy = Proxy(keeper, pair, port)
    except OSError as error:
        raise BadInput(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}).") from None
    _until_exit.callback(proxy.close)
    return PairEndpoint(proxy.url, pair.access_key, pair.secret.reveal(), keeper.held.endpoint.region)


def serve_keys(*, insecure_http: bool = False) -> dict[str, str]:
    """Serve the keys on loopback until the process ends, and return the variables with which SDKs find them."""
    found = _served.get(os.getpid())
    if found is None:
        keeper = _keeper(None, None, insecure_http=insecure_http)
        found = _served[os.getpid()] = _until_exit.enter_context(serving(keeper))
    return dict(found)


def load_ipython_extension(_shell: Any) -> None:
    """Let everything in this kernel, and what it starts, find its keys on loopback."""
    variables = serve_keys()
    for name in STALE:
        os.environ.pop(name, None)
    os.environ.update(variables)


def _keeper(file: str | os.PathLike[str] | None, gateway: str | None, *, insecure_http: bool) -> Keeper:
    file, gateway = file or os.environ.get(TOKEN_FILE_VARIABLE), gateway or os.environ.get(GATEWAY_VARIABLE)
    if not file or not gateway:
        raise BadInput(
            f"This server was not handed a lease: {TOKEN_FILE_VARIABLE} and {GATEWAY_VARIABLE} are not both set.",
            remedy="Start it through a hub with our hooks, or use `vend exec` and `vend proxy`.",
        )
    with ExitStack() as on_failure:
        client = on_failure.enter_context(Client(gateway, insecure_http=insecure_http))
        keeper = Keeper(TokenFileSource(client, Path(file)), warn=_log.warning)
        _until_exit.push(on_failure.pop_all())
    _until_exit.callback(keeper.close)
    return keeper
