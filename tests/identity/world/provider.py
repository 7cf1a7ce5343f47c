"""One HTTP server that plays many identity providers, each under a path of its own, and counts what it is asked."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Provider:
    """Serves documents by path.  Any of them may be replaced by a handler, while the server runs."""

    def __init__(self) -> None:
        self.url = ""
        self.documents: dict[str, object] = {}
        self.faults: dict[str, Handler] = {}
        self.hits: Counter[str] = Counter()

    def issuer(self, name: str, keys: list[dict[str, Any]], **discovery: object) -> str:
        """Serve an issuer under `/name`, and return its URL."""
        url = f"{self.url}/{name}"
        self.documents[f"/{name}/.well-known/openid-configuration"] = {
            "issuer": url,
            "jwks_uri": f"{url}/jwks",
            **discovery,
        }
        self.documents[f"/{name}/jwks"] = {"keys": keys}
        return url

    def key_reads(self, name: str) -> int:
        """How often the keys of an issuer have been asked for."""
        return self.hits[f"/{name}/jwks"]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.hits[request.path] += 1
        for prefix, handler in self.faults.items():
            if request.path.startswith(prefix):
                return await handler(request)
        if request.path not in self.documents:
            return web.Response(status=404)
        return web.Response(text=json.dumps(self.documents[request.path]), content_type="application/json")


@asynccontextmanager
async def serving() -> AsyncIterator[Provider]:
    """Run a provider on a free port of loopback."""
    provider = Provider()
    app = web.Application(client_max_size=1024)
    app.router.add_route("*", "/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


def status(code: int, text: str = "", content_type: str = "text/html", **headers: str) -> Handler:
    """Answer with this status."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type=content_type, headers=headers)

    return handler


def silent(seconds: float = 30.0) -> Handler:
    """Take the request and say nothing for long."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(status=500)

    return handler


def dripping(seconds: float = 30.0) -> Handler:
    """Answer, one byte at a time."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for _ in range(int(seconds * 10)):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    return handler


def endless() -> Handler:
    """Answer with far more than anybody should read."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"keys": [')
        for _ in range(50):
            await response.write(b'"' + b"x" * (1024 * 1024) + b'",')
        return response

    return handler
