"""The Python client: speaks to a gateway over HTTP, with what the command `vend` uses.

```python
from vendor.client import Ask, Client, Wanted, connect

with connect() as client:                        # the gateway and sign-in that `vend` would use
    vended = client.lease(Ask(scope=[Wanted("s3://cdm-lake/tenant-general-warehouse/kbase/", "read")]))
    s3 = client.session().client("s3")           # boto3, with keys that are renewed
```

Names are imported when they are first used, so that importing this package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendor.client.aio import AsyncClient
    from vendor.client.answers import Credentials, Endpoint, Lease, ScopeEntry, Vended, WhoAmI
    from vendor.client.calls import Ask, Wanted
    from vendor.client.connection import connect, connect_async
    from vendor.client.errors import BadAnswer, BadInput, ClientError, GatewayError, SignInNeeded, Unavailable
    from vendor.client.keeper import Keeper
    from vendor.client.sync import Client

__all__ = [
    "Ask",
    "AsyncClient",
    "BadAnswer",
    "BadInput",
    "Client",
    "ClientError",
    "Credentials",
    "Endpoint",
    "GatewayError",
    "Keeper",
    "Lease",
    "ScopeEntry",
    "SignInNeeded",
    "Unavailable",
    "Vended",
    "Wanted",
    "WhoAmI",
    "connect",
    "connect_async",
]

_HOME = {
    "aio": ("AsyncClient",),
    "answers": ("Credentials", "Endpoint", "Lease", "ScopeEntry", "Vended", "WhoAmI"),
    "calls": ("Ask", "Wanted"),
    "connection": ("connect", "connect_async"),
    "errors": ("BadAnswer", "BadInput", "ClientError", "GatewayError", "SignInNeeded", "Unavailable"),
    "keeper": ("Keeper",),
    "sync": ("Client",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
