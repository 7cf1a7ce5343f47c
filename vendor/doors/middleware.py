"""Plain ASGI wrappers around all doors: request id, size limit, one log line, and no unhandled exception."""

import time
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vendor.doors.forms import form_of
from vendor.doors.render import REFUSAL, InternalError, request_id
from vendor.doors.traffic import Traffic, place_of
from vendor.errors import InvalidRequest, TooLarge, VendError
from vendor.spans import Span, request_span

_log = structlog.get_logger("vendor.access")

HARDENING: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Frame:
    """The outermost wrapper.  The log line has the path and never the query, which may hold a token.

    `larger` are the routes, as (method, path), whose bodies may be larger than all others.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body_bytes: int,
        larger: Mapping[tuple[str, str], int] | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self._app = app
        self._max_body = max_body_bytes
        self._larger = larger or {}
        self._traffic = traffic or Traffic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        began = time.perf_counter()
        self._traffic.under_way += 1
        named = request_id(scope)
        with structlog.contextvars.bound_contextvars(request_id=named), request_span(named, scope["headers"]) as span:
            try:
                limit = self._larger.get((scope["method"], scope["path"]), self._max_body)
                _check_length(scope, limit)
                await self._app(scope, _Bounded(receive, limit), answer.send)
            except VendError as refusal:
                await answer.instead(refusal)
            except Exception:  # noqa: BLE001 - the last line of defence; nothing may reach the client unrendered
                _log.exception("unhandled failure")
                await answer.instead(InternalError())
            finally:
                seconds = time.perf_counter() - began
                self._traffic.under_way -= 1
                self._traffic.answered(scope, answer.status, seconds)
                _tell(span, scope, answer.status)
                _log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=answer.status,
                    ms=round(seconds * 1000, 1),
                )


def _tell(span: Span, scope: Scope, status: int | None) -> None:
    method, route = place_of(scope)
    said: dict[str, str | int] = {"http.request.method": method, "http.route": route}
    said["http.response.status_code"] = status or 0
    if REFUSAL in scope:
        said["vendor.refusal"] = scope[REFUSAL]
    span.say(said, f"{method} {route}")


class _Answer:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            own = (b"x-request-id", request_id(self._scope).encode())
            hardening = [header for header in HARDENING if header[0] not in present]
            message = {**message, "headers": [*headers, own, *hardening]}
        await self._send(message)

    async def instead(self, error: VendError) -> None:
        self._scope[REFUSAL] = error.code
        if self.status is None:  # otherwise the answer is under way and the server closes the connection
            answer = form_of(self._scope["path"]).answer(error, self._scope)
            await answer(self._scope, _nothing, self.send)


class _Bounded:
    """Passes the body on as long as it stays within the limit, whatever its declared length."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self._limit = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._limit)
        return message


def _check_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit():
                raise InvalidRequest("Content-Length is not a number.")
            if len(value) > 15 or int(value) > limit:
                raise _too_large(limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.", details={"limit": limit})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
