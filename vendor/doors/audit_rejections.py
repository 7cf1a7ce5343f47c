"""A plain ASGI wrapper that has refused requests counted which nobody could be found behind, at whatever door."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vendor.audit.event import Origin
from vendor.doors.context import origin
from vendor.doors.render import REFUSAL


class Rejected:
    """Tells `note` of the code and the origin of every refusal; a 401 of a door with codes of its own counts, too."""

    def __init__(self, app: ASGIApp, note: Callable[[str, Origin], None]) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            code = scope.get(REFUSAL, "invalid_token" if status == 401 else None)
            if scope["type"] == "http" and code is not None:
                self._note(str(code), origin(Request(scope), "identity"))
