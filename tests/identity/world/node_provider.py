"""The certified `oidc-provider` of npm, where Node is present.

It is installed once into a folder of the user's cache, by name and at one version, without running its scripts.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import pytest
from jwt.algorithms import RSAAlgorithm

from tests.identity.world.minting import rsa_key
from tests.support.waiting import eventually
from vendor.dev.ports import Reservation
from vendor.dev.web import answers

PACKAGE = "oidc-provider@9.13.3"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
RESOURCE = "urn:vendor:test"


def installed() -> Path:
    """Return the folder with the package, or skip the test and say why."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the provider of npm needs Node, and there is no node and npm on the PATH")
    folder = Path(platformdirs.user_cache_dir("vendor-tests")) / PACKAGE.replace("@", "-")
    if not (folder / "node_modules" / "oidc-provider").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", scratch, PACKAGE]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm could not install {PACKAGE} within 100 s")
            if done.returncode != 0:
                pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip()[-300:]}")
            if not folder.exists():
                Path(scratch).rename(folder)
                Path(scratch).mkdir()
    return folder


class NodeProvider:
    """A running provider.  Anybody can sign in under any name with any password."""

    client_id = "vend"

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def knows(self, user: str) -> dict[str, str]:
        """What a person of this name writes into the forms."""
        return {"login": user, "password": "any"}


@contextmanager
def node_provider(*, kid: str = "node-1") -> Iterator[NodeProvider]:
    """Run the provider on a free port, with one RSA key."""
    modules = installed()
    with tempfile.TemporaryDirectory(prefix="vendor-node-") as folder, Reservation(1) as reserved:
        port = reserved.ports[0]
        issuer = f"http://127.0.0.1:{port}"
        key = {**RSAAlgorithm.to_jwk(rsa_key(kid), as_dict=True), "kid": kid, "use": "sig", "alg": "RS256"}
        del key["key_ops"]
        settings = {
            "issuer": issuer,
            "port": port,
            "modules": str(modules),
            "keys": [key],
            "secret": secrets.token_hex(16),
        }
        file = Path(folder) / "settings.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(settings))
        log = Path(folder) / "log"
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "NODE_ENV": "development"}
        reserved.release()
        with log.open("wb") as output:
            process = subprocess.Popen(["node", str(SCRIPT), str(file)], stdout=output, stderr=output, env=environment)
        try:

            def ready() -> bool:
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                return answers(f"{issuer}/.well-known/openid-configuration")

            eventually(ready, within=30, what="the provider's first answer")
            yield NodeProvider(issuer)
        finally:
            process.terminate()
            process.wait(10)
