"""`/openapi.json` and `/docs`: what this API is, for programs and for people.  Open to everyone."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vendor.doors.docs_page import page
from vendor.doors.openapi import document
from vendor.doors.operation import JSON_MEDIA, Example, Handler, Operation, Reply, Token
from vendor.doors.sheet import Sheet

STYLE: Final = Path(__file__).parent / "assets" / "docs.css"
_POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CACHED: Final = {"cache-control": "public, max-age=300"}
_ANYTHING: Final = {"type": "object", "required": ["openapi", "info", "paths"]}


def operations(sheets: Callable[[], Sequence[Sheet]]) -> list[Operation]:
    """Return the operations that tell of `sheets`, which are all there are, these included."""

    @cache
    def text() -> str:
        return json.dumps(document(sheets()), ensure_ascii=False, separators=(",", ":"))

    @cache
    def shown() -> str:
        return page(json.loads(text()), style="docs/style.css")

    async def openapi(_request: Request) -> Response:
        """The OpenAPI document of this gateway."""
        return Response(text(), media_type=JSON_MEDIA, headers=_CACHED)

    async def docs(_request: Request) -> Response:
        """The same document as a page to read."""
        return Response(shown(), media_type="text/html", headers={**_CACHED, "content-security-policy": _POLICY})

    async def style(_request: Request) -> Response:
        """The page's style sheet."""
        return Response(STYLE.read_bytes(), media_type="text/css", headers=_CACHED)

    html, css = Reply(media="text/html", schema={"type": "string"}), Reply(media="text/css", schema={"type": "string"})
    described = Reply(schema=_ANYTHING)
    return [
        _open("getOpenApi", "/openapi.json", openapi, described),
        _open("getDocs", "/docs", docs, html),
        _open("getDocsStyle", "/docs/style.css", style, css),
    ]


def _open(name: str, path: str, handler: Handler, reply: Reply) -> Operation:
    return Operation(name, "GET", path, handler, {200: reply}, token=Token.NONE, door="docs", example=Example())
