"""A real JupyterHub with its proxy, and people who sign in, start servers and run code in a kernel."""

import json
import os
import secrets
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil

from tests.integrations.real.conftest import ROOT
from vendor.dev.process import Child, Children, Program
from vendor.dev.stack import Stack
from vendor.dev.web import answers

DURATION = 20


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    child: Child
    url: str
    api: str
    folder: Path
    culler_token: str = field(repr=False)

    @property
    def log(self) -> str:
        return self.child.log.read_text()

    def home(self, name: str) -> Path:
        return self.folder / "homes" / name

    def token_file(self, name: str) -> Path:
        return self.folder / "tokens" / f"{name}@.token"


@contextmanager
def running_hub(installed: Path, stack: Stack, folder: Path) -> Iterator[Hub]:
    """Start a hub for the people of a stack; stop it with all its servers."""
    programs = [installed / "python" / "bin", installed / "node" / "node_modules" / ".bin"]
    culler_token = secrets.token_hex(32)
    told: dict[str, object] = {
        "proxy": str(programs[1] / "configurable-http-proxy"),
        "python": str(programs[0] / "python"),
        "issuer": stack.idp.issuer,
        "gateway": stack.gateway.url,
        "homes": str(folder / "homes"),
        "tokens": str(folder / "tokens"),
        "duration": DURATION,
        "culler_token": culler_token,
    }
    (folder / "homes").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VENDOR_", "SPARK_"))}
    path = os.pathsep.join([*map(str, programs), os.environ.get("PATH", "")])

    def program(ports: Sequence[int]) -> Program:
        told.update(zip(("port", "hub_port", "proxy_port"), ports, strict=True))
        environ = {
            **kept,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32),
            "HUB_UNDER_TEST": json.dumps(told),
        }
        config = str(Path(__file__).with_name("hub_config.py"))
        argv = [str(programs[0] / "jupyterhub"), "--config", config]
        return Program(
            name="jupyterhub", argv=argv, environment=environ, folder=folder, log=folder / "hub.log", ports=ports
        )

    children = Children(grace=60)
    try:
        child = children.serve(
            3, program, lambda child: answers(f"http://127.0.0.1:{child.program.ports[0]}/hub/health"), within=120
        )
        port, hub_port, _ = child.program.ports
        yield Hub(child, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{hub_port}/hub/api", folder, culler_token)
    finally:
        children.stop()
        shutil.rmtree(folder / "homes", ignore_errors=True)


class Browser:
    """Somebody at the hub, signed in with the OpenID provider's page."""

    def __init__(self, hub: Hub, stack: Stack, name: str) -> None:
        self.hub, self.name = hub, name
        self._stack = stack
        self._web = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=120)
        )
        self._authorized: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._web.close()

    async def sign_in(self) -> None:
        """Go through the provider's page, as a browser does, and get a token for the hub's API."""
        async with self._web.get(f"{self.hub.url}/hub/oauth_login", allow_redirects=False) as sent:
            page = sent.headers["location"]
        assert page.startswith(self._stack.idp.issuer), page
        async with self._web.get(page) as shown:
            shown.raise_for_status()
        form = {"username": self.name, "password": self._stack.idp.password(self.name)}
        async with self._web.post(page, data=form, allow_redirects=False) as answer:
            back = answer.headers["location"]
        async with self._web.get(back) as home:
            home.raise_for_status()
        cookies = self._web.cookie_jar.filter_cookies(home.url.with_path("/hub/"))
        headers = {"X-XSRFToken": cookies["_xsrf"].value, "Referer": f"{self.hub.url}/hub/home"}
        token = await self._json("POST", f"/hub/api/users/{self.name}/tokens", {"note": "test"}, headers)
        self._authorized = {"Authorization": f"token {token['token']}"}

    async def start(self) -> None:
        """Start the server and wait until it is there."""
        await self._json("POST", f"/hub/api/users/{self.name}/server", {}, self._authorized)
        async with self._web.get(
            f"{self.hub.url}/hub/api/users/{self.name}/server/progress", headers=self._authorized
        ) as progress:
            async for line in progress.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    assert not event.get("failed"), event
                    if event.get("ready"):
                        return
        raise AssertionError("the server is not ready")

    async def stop(self) -> None:
        """Stop the server, and wait until the hub has done all that belongs to it."""
        path = f"/hub/api/users/{self.name}/server"
        async with self._web.delete(self.hub.url + path, headers=self._authorized) as answer:
            assert answer.status in {202, 204}, await answer.text()

    async def running(self) -> bool:
        user = await self._json("GET", f"/hub/api/users/{self.name}", None, self._authorized)
        return bool(user["server"] or user["pending"])

    def processes(self) -> list[psutil.Process]:
        """The processes of the server: itself, its kernels, and what they started."""
        mark = str(self.hub.home(self.name))
        found = []
        for process in psutil.Process(self.hub.child.pid).children(recursive=True):
            try:
                if process.environ().get("JUPYTERHUB_USER") == self.name and mark in process.environ().get("HOME", ""):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    @asynccontextmanager
    async def kernel(self) -> AsyncIterator["Kernel"]:
        made = await self._json("POST", f"/user/{self.name}/api/kernels", {}, self._authorized)
        url = f"{self.hub.url}/user/{self.name}/api/kernels/{made['id']}/channels"
        async with self._web.ws_connect(url, headers=self._authorized, max_msg_size=0) as socket:
            yield Kernel(socket)

    async def _json(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
        async with self._web.request(method, self.hub.url + path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
            found: dict[str, Any] = json.loads(text) if text else {}
            return found


class Kernel:
    """A notebook's kernel."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def run(self, code: str) -> str:
        """Run a cell and return what it prints; what it raises fails the test."""
        sent = str(uuid.uuid4())
        header = {
            "msg_id": sent,
            "msg_type": "execute_request",
            "username": "",
            "session": sent,
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        await self._socket.send_json(
            {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        )
        printed = ""
        async for message in self._socket:
            said = json.loads(message.data)
            if said["parent_header"].get("msg_id") != sent:
                continue
            if said["msg_type"] == "stream" and said["content"]["name"] == "stdout":
                printed += said["content"]["text"]
            if said["msg_type"] == "error":
                raise AssertionError("\n".join(said["content"]["traceback"]))
            if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                return printed
        raise AssertionError(f"the kernel is gone: {self._socket.close_code}")
