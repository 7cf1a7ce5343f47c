"""The application: a gateway behind its routes, running, and closed again."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from vendor.assembly import assemble
from vendor.doors import state
from vendor.doors.audit_rejections import Rejected
from vendor.doors.context import Gateway
from vendor.doors.fairness import Fair
from vendor.doors.forms import form_of
from vendor.doors.middleware import Frame
from vendor.doors.mms import door as mms
from vendor.doors.render import REFUSAL, MethodNotAllowed, NoRoute
from vendor.doors.table import ROUTES
from vendor.errors import VendError
from vendor.settings import Settings
from vendor.slow_callbacks import telling_slow_callbacks
from vendor.stores.probe.watch import watching
from vendor.times import Clock


def build(settings: Settings, *, clock: Clock = time.time) -> Starlette:
    """Return the gateway as an ASGI application.  Opens no connection: parts that are away show in /readyz.

    Raises PolicyFileError, TrustError and KeyringError for files that cannot be used.
    """
    gateway = assemble(settings, clock)
    app = Starlette(
        routes=list(ROUTES),
        middleware=[
            Middleware(
                Frame,
                max_body_bytes=settings.max_body_bytes,
                larger={("PUT", state.PATH): gateway.state_restore.most_bytes},
                traffic=gateway.traffic,
            ),
            Middleware(Rejected, note=gateway.audit.rejections.note),
            Middleware(Fair, lanes=gateway.lanes),
        ],
        exception_handlers={VendError: _refused, HTTPException: _no_route},
        lifespan=_lifespan(gateway, settings.slow_callback_ms),
    )
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    return app


def _lifespan(
    gateway: Gateway, slow_callback_ms: int | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        with telling_slow_callbacks(slow_callback_ms):
            try:
                watches, audit = watching(gateway.watches.values()), gateway.audit.running()
                async with watches, audit, gateway.background.running():
                    yield
            finally:
                await gateway.vending.close()
                await gateway.background.close()
                await gateway.authenticator.close()
                await gateway.mms.close()
                for store in gateway.stores.values():
                    await store.close()
                await gateway.database.close()

    return running


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, VendError)  # noqa: S101 - what this handler is registered for
    return form_of(request.scope["path"]).answer(refusal, request.scope)


async def _no_route(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - what this handler is registered for
    if mms.owns(request.scope["path"]):
        return mms.no_route(problem)
    refusal = NoRoute() if problem.status_code == 404 else MethodNotAllowed()
    request.scope[REFUSAL] = refusal.code
    answer = form_of(request.scope["path"]).answer(refusal, request.scope)
    for name, value in (problem.headers or {}).items():
        answer.headers[name] = value
    return answer
