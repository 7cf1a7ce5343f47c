"""The gateway itself, as a child process with its settings in the environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from vendor.dev.folder import StateFolder
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.web import answers

_SECONDS = 30


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    child: Child
    url: str
    settings: Mapping[str, str] = field(repr=False)
    """Its VENDOR_* variables, which operators' commands need as well."""

    def wait_until_ready(self, within: float = _SECONDS) -> None:
        """Wait until everything the gateway depends on answers."""
        self.child.wait_until(lambda: answers(f"{self.url}/readyz"), within)


def gateway_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def start_gateway(
    folder: StateFolder, children: Children, *, port: int, settings: Mapping[str, str], name: str = "gateway"
) -> Gateway:
    """Start a gateway on `port` and return it once it serves; what it depends on need not be there yet."""
    url = gateway_url(port)
    complete = {
        "VENDOR_HOST": LOOPBACK,
        "VENDOR_PORT": str(port),
        "VENDOR_PUBLIC_URL": url,
        "VENDOR_ISSUER_KEYS_DIR": str(folder.sub("issuer-keys")),
        "VENDOR_LOG_FORMAT": "json",
        # Whoever tries or measures things here does so as one person, who would be the flood that the limits are about.
        "VENDOR_LIMIT_VEND_BURST": "20000",
        "VENDOR_LIMIT_VEND_PER_SECOND": "2000",
        **settings,
    }
    program = Program(
        name=name,
        argv=[sys.executable, "-m", "vendor.operate.main", "serve"],
        environment=folder.environment(complete),
        folder=folder.sub(name),
        log=folder.logs / f"{name}.log",
        ports=[port],
    )
    child = children.start_ready(program, lambda _child: answers(f"{url}/livez"), within=_SECONDS)
    return Gateway(child, url, complete)
