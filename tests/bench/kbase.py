"""A KBase auth service that costs next to nothing: the token `kbase-NAME` stands for the user NAME.

    python -m tests.bench.kbase PORT

So a load can have as many users as it likes, each with a token that nobody has seen before.  `warden` administrates.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from vendor.dev.folder import write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Program
from vendor.dev.stack import Stack
from vendor.dev.web import answers

ADMIN = "warden"
_LEAD = "kbase-"
_ROLE = "CDM_JUPYTERHUB_ADMIN"
_TRUST = """\
version = 1

[[kbase]]
name = "kbase"
url = "http://{host}:{port}/"
admin_roles = ["{role}"]
"""


def token_of(user: str) -> str:
    """Return the token of a user."""
    return _LEAD + user


@contextmanager
def started(stack: Stack) -> Iterator[Path]:
    """Run the service beside a stack, and provide a trust file for a gateway that shall ask nobody else."""

    def program(ports: Sequence[int]) -> Program:
        return Program(
            name="kbase-of-a-load",
            argv=[sys.executable, str(Path(__file__)), str(ports[0])],
            environment=stack.folder.environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
            folder=stack.folder.sub("kbase-of-a-load"),
            log=stack.folder.logs / "kbase-of-a-load.log",
            ports=ports,
        )

    child = stack.children.serve(
        1, program, lambda child: answers(f"http://{LOOPBACK}:{child.program.ports[0]}/"), within=20
    )
    try:
        file = stack.folder.path / "trust-of-a-load.toml"
        write_private(file, _TRUST.format(host=LOOPBACK, port=child.program.ports[0], role=_ROLE))
        yield file
    finally:
        child.stop()


async def application(scope: Any, _receive: Any, send: Any) -> None:
    """Answer `/`, `api/V2/token` and `api/V2/me` as the service does for a token that is good."""
    headers = dict(scope["headers"])
    user = headers.get(b"authorization", b"").decode().removeprefix(_LEAD)
    now = int(time.time() * 1000)
    answers: dict[str, dict[str, object]] = {
        "/": {"servicename": "Authentication Service", "version": "0.7.2"},
        "/api/V2/token": {"user": user, "type": "Login", "expires": now + 86_400_000, "cachefor": 300_000},
        "/api/V2/me": {"user": user, "display": user, "email": None, "customroles": [_ROLE] if user == ADMIN else []},
    }
    body = json.dumps(answers.get(scope["path"], {})).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        application,
        host=LOOPBACK,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
