"""Run one client against the development stack, and see what becomes of it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.clients.clients import PROCESS, Client
from tests.clients.installing import PROGRAMS
from tests.clients.relay import Relay, relaying
from tests.support.gateways import api
from vendor.dev.stack import Stack

USER, OTHER = "alice", "bob"


@dataclass(frozen=True)
class Result:
    """What a run showed."""

    version: str
    rounds: int
    denied: bool
    renewals: int
    asks: int
    failed: int

    def text(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))


class ClientFailedError(AssertionError):
    """The client gave up; the message is the end of what it said."""


def run(client: Client, stack: Stack, folder: Path) -> Result:
    """Run a client in a lease of its own.  Raises ClientFailedError."""
    command = client.command()
    home = f"users-general-warehouse/{USER}/clients-{folder.name}/"
    with api(stack, USER) as caller, relaying(stack.gateway.url) as relay:
        asked = {"path": f"s3://{stack.bucket}/{home}", "access": "write"}
        ask = {"scope": [asked], "duration": client.keys, "renewable_for": 3600}
        answer = caller.call("POST", "/v1/leases", ask)
        assert answer.status_code == 201, answer.text
        lease = answer.json()
        token = folder / "token"
        token.write_text(lease["lease_token"])  # and no newline: object_store would send it along
        environment = _environment(client, stack, folder, relay, home)
        with _failing(relay, after=client.seconds * 0.4):
            said = _said(command, environment, client.seconds + 90)
        if client.door == PROCESS:
            renewals = len(relay.keys) - 1
        else:
            renewals = caller.call("GET", f"/v1/leases/{lease['lease']['id']}").json()["lease"]["renewals"]
        caller.call("DELETE", f"/v1/leases/{lease['lease']['id']}")
    return Result(said["version"], said["rounds"], said["denied"], renewals, relay.asks, relay.failed)


def _environment(client: Client, stack: Stack, folder: Path, relay: Relay, home: str) -> dict[str, str]:
    site = stack.store.site
    places = {"gate": relay.url, "token_file": str(folder / "token")}
    inherited = ("PATH", "HOME", "LANG", "GOCACHE", "GOFLAGS", "GOPROXY", "JAVA_HOME")
    settings = {name: os.environ[name] for name in inherited if name in os.environ}
    settings |= {name: text.format(**places) for name, text in client.settings.items()}
    return settings | {
        "PYTHONPATH": str(PROGRAMS),
        "AWS_REGION": site.region,
        "AWS_DEFAULT_REGION": site.region,
        "AWS_CONFIG_FILE": str(_profile(client, stack, folder, relay, home)),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "CLIENT_BUCKET": str(stack.bucket),
        "CLIENT_INSIDE": home,
        "CLIENT_OUTSIDE": f"users-general-warehouse/{OTHER}/",
        "CLIENT_ENDPOINT": site.endpoint,
        "CLIENT_SECONDS": str(client.seconds),
    }


def _profile(client: Client, stack: Stack, folder: Path, relay: Relay, home: str) -> Path:
    """Write the profile; for `vend process` it names the command, with the identity in a file."""
    file = folder / "config"
    lines = ["[default]", f"region = {stack.store.site.region}", "s3 =", "    addressing_style = path"]
    if client.door == PROCESS:
        identity = folder / "identity"
        identity.touch(0o600)
        identity.write_text(stack.tokens[USER])
        vend = Path(sys.executable).parent / "vend"
        place = f"--write s3://{stack.bucket}/{home} --duration {client.keys}"
        lines.append(f"credential_process = {vend} process {place} --gateway {relay.url} --token-file {identity}")
    file.write_text("\n".join(lines) + "\n")
    return file


def _said(command: list[str], environment: Mapping[str, str], seconds: float) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode or not done.stdout.strip():
        said = done.stdout + done.stderr
        raise ClientFailedError(f"{said[:900]}\n…\n{said[-900:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if not found["denied"]:
        raise ClientFailedError(f"was not denied the folder beside its own: {done.stderr[-800:]}")
    return found


@contextmanager
def _failing(relay: Relay, *, after: float) -> Iterator[None]:
    """Let one ask fail some time after the start."""
    timer = threading.Timer(after, relay.fail_once)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
