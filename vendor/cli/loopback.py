"""A container-credentials endpoint on this machine: the door through which SDKs get keys that renew themselves.

It listens on 127.0.0.1 only, on a port of the system's choice, and answers whoever shows its random token.  The
contract is that of AWS's ECS agent: `GET` with the token as `Authorization`, flat errors.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

from vendor.cli.environment import place_variables
from vendor.client import files
from vendor.client.answers import Endpoint, Vended
from vendor.client.bounded import BoundedServer
from vendor.client.errors import BadInput, ClientError
from vendor.client.keeper import Keeper
from vendor.client.text import printable

PATH = "/credentials"
MOST_CONNECTIONS: Final = 64
STRANGER: Final = 1.0
"""Seconds for which a connection that has not shown the token yet keeps its place while others wait for one."""
PATIENCE: Final = 5.0
"""The same while nobody waits: all of a request's headers have to be here by then."""


class Loopback(BoundedServer):
    """The endpoint.  It serves in a thread from the moment it is made until `close`."""

    def __init__(self, keeper: Keeper, port: int = 0) -> None:
        super().__init__(port, _Handler, most=MOST_CONNECTIONS, stranger=STRANGER, patience=PATIENCE)
        self.keeper = keeper
        self.token = secrets.token_urlsafe(32)
        self.start()

    @property
    def url(self) -> str:
        """The address to hand to an SDK."""
        return f"http://127.0.0.1:{self.server_port}{PATH}"


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    server_version = "vend"
    sys_version = ""
    timeout = PATIENCE  # for one who connects and says nothing

    def do_GET(self) -> None:
        if not self._is_for_us():
            self._answer(404, {"code": "NotFound", "message": "There is nothing here."})
        elif not compare_digest(self.headers.get("Authorization", "").encode(), self.server.token.encode()):
            self._answer(401, {"code": "Unauthorized", "message": "The authorization token is not the right one."})
        else:
            self.server.is_known(self.connection)
            self._credentials()

    def _is_for_us(self) -> bool:
        # A web page in a browser can make requests to loopback, but not under this name.
        host = self.headers.get("Host", "").rpartition(":")[0]
        return self.path == PATH and host in {"127.0.0.1", "localhost"}

    def _credentials(self) -> None:
        try:
            vended = self.server.keeper.current()
        except ClientError as error:
            self._answer(503, {"code": "Unavailable", "message": printable(str(error))})
        else:
            self._answer(200, container_answer(vended))

    def _answer(self, status: int, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal is the child's."""


def container_answer(vended: Vended) -> dict[str, str]:
    """Return keys as the container-credentials contract wants them."""
    credentials = vended.credentials
    return {
        "Code": "Success",
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": credentials.expiration_text,
    }


@contextmanager
def serving(keeper: Keeper, port: int = 0) -> Iterator[dict[str, str]]:
    """Serve the keys of `keeper`, and yield the variables through which a program finds them."""
    folder = Path(tempfile.mkdtemp(prefix="vend-"))  # only we may enter it
    try:
        try:
            server = Loopback(keeper, port)
        except OSError as error:
            raise BadInput(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}).") from None
        try:
            yield _variables(server, folder, keeper.held.endpoint)
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _variables(server: Loopback, folder: Path, endpoint: Endpoint) -> dict[str, str]:
    token, config, nothing = folder / "token", folder / "config", folder / "credentials"
    files.write_private(token, server.token.encode())  # no newline: some SDKs would send it along
    files.write_private(config, _config(endpoint).encode())
    files.write_private(nothing, b"")
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": server.token,  # for SDKs that do not know the file
        # SDKs look for keys in the profile before they ask a container; a [default] there would win over the lease.
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        **place_variables(endpoint),
    }


def _config(endpoint: Endpoint) -> str:
    style = "s3 =\n    addressing_style = path\n" if endpoint.path_style else ""
    return f"[default]\nregion = {endpoint.region}\n{style}"
