"""An emulator of the KBase auth service: the four routes that its clients use, with its error bodies.

Users, tokens and faults come from one JSON file that is read anew for every request, so whoever writes the file revokes
a token or breaks the service at once.  Like the real one it wants the bare token in `Authorization`, without "Bearer".
"""

import asyncio
import json
import re
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vendor.dev.ports import LOOPBACK

_USER = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
_CACHE_MILLISECONDS = 300_000


class _RefusedError(Exception):
    """An answer in the service's error form."""

    def __init__(self, status: int, code: int, error: str, detail: str = "") -> None:
        super().__init__(error)
        self.status, self.code, self.error, self.detail = status, code, error, detail


def create_app(file: Path) -> Starlette:
    """Make the emulator over a state file; the form of the file is that of `kbase.KBase`."""
    routes = {"/": _root, "/api/V2/token": _token, "/api/V2/me": _me, "/api/V2/users/": _users}
    app = Starlette(
        routes=[Route(path, _faulty(handler), methods=["GET"]) for path, handler in routes.items()],
        exception_handlers={_RefusedError: _refused, 404: _not_found},
    )
    app.state.file = file
    return app


async def _root(_request: Request) -> Response:
    return JSONResponse(
        {
            "version": "0.7.2",
            "servicename": "Authentication Service",
            "servertime": _milliseconds(),
            "gitcommithash": "0" * 40,
        }
    )


async def _token(request: Request) -> Response:
    known = _known(_state(request), request)
    return JSONResponse({**known, "name": None, "custom": {}, "cachefor": _CACHE_MILLISECONDS})


async def _me(request: Request) -> Response:
    state = _state(request)
    name = _known(state, request)["user"]
    user = state["users"][name]
    return JSONResponse(
        {
            "user": name,
            "display": user["display"],
            "email": user["email"],
            "customroles": user["customroles"],
            "roles": [],
            "policyids": [],
            "idents": [],
            "local": False,
            "created": user["created"],
            "lastlogin": user["created"],
        }
    )


async def _users(request: Request) -> Response:
    state = _state(request)
    _known(state, request)
    names = [name.strip() for name in request.query_params.get("list", "").split(",") if name.strip()]
    for name in names:
        if not _USER.fullmatch(name):
            raise _RefusedError(400, 30010, "Illegal user name", f"Illegal character in user name {name}")
    return JSONResponse({name: state["users"][name]["display"] for name in names if name in state["users"]})


def _faulty(handler: Any) -> Any:
    async def handle(request: Request) -> Response:
        fault = _state(request)["fault"]
        await asyncio.sleep(fault["delay"])
        return _broken(fault["answer"]) or await handler(request)

    return handle


def _state(request: Request) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(request.app.state.file.read_text(encoding="utf-8"))
    return state


def _known(state: dict[str, Any], request: Request) -> dict[str, Any]:
    given = request.headers.get("authorization", "").strip()
    if not given:
        raise _RefusedError(400, 10010, "No authentication token", "No user token provided")
    known: dict[str, Any] | None = state["tokens"].get(given)
    if known is None or known["expires"] <= _milliseconds():
        raise _RefusedError(401, 10020, "Invalid token")
    return known


def _broken(answer: str | None) -> Response | None:
    if answer is None:
        return None
    if answer == "html":  # what a proxy in front of it sends while it is down
        return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502)
    if answer == "nonsense":  # a page where JSON was promised, with the status of success
        return PlainTextResponse("Under maintenance", status_code=200)
    if answer == "huge":
        return JSONResponse({"user": "alice", "customroles": ["x" * 1000] * 5000})
    return _error(int(answer), None, "", "internal error")


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, _RefusedError):
        raise error
    return _error(error.status, error.code, error.error, error.detail)


async def _not_found(_request: Request, _error_: Exception) -> Response:
    return _error(404, None, "", "HTTP 404 Not Found")


def _error(status: int, code: int | None, error: str, detail: str) -> Response:
    phrases = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"}
    body: dict[str, object] = {"httpcode": status, "httpstatus": phrases.get(status, "Error")}
    if code is not None:
        body |= {"appcode": code, "apperror": error}
        detail = f"{code} {error}: {detail}" if detail else f"{code} {error}"
    body |= {"message": detail, "callid": secrets.token_hex(8), "time": _milliseconds()}
    return JSONResponse({"error": body}, status_code=status)


def _milliseconds() -> int:
    return int(time.time() * 1000)


def main() -> None:
    """Serve a state file on a port: `python -m vendor.dev.kbase_app FILE PORT`."""
    uvicorn.run(create_app(Path(sys.argv[1])), host=LOOPBACK, port=int(sys.argv[2]), access_log=False)


if __name__ == "__main__":
    main()
