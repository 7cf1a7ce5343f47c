"""The application: every part made once, in the order of the floors, and closed again."""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from vendor.audit.trail import Trail, stream_key
from vendor.audit_opening import open_audit
from vendor.database import Database
from vendor.doors import state
from vendor.doors.audit_rejections import Rejected
from vendor.doors.context import Gateway
from vendor.doors.fairness import Fair, Lanes
from vendor.doors.forms import form_of
from vendor.doors.middleware import Frame
from vendor.doors.mms import door as mms
from vendor.doors.mms.parts import open_mms
from vendor.doors.recent import Recent
from vendor.doors.render import REFUSAL, MethodNotAllowed, NoRoute
from vendor.doors.table import ROUTES
from vendor.doors.traffic import Traffic
from vendor.doors.wellness import look
from vendor.errors import VendError
from vendor.governance.generations import Generations
from vendor.governance.keys import Keys
from vendor.governance.state import Governance
from vendor.identity.authenticator import open_authenticator
from vendor.identity.issuer import OwnIssuer
from vendor.identity.key_exchange import KeyExchange
from vendor.leases.aftermath import Aftermath
from vendor.leases.assuming import Assuming
from vendor.leases.background import Background
from vendor.leases.ceilings.effects import Effects
from vendor.leases.ceilings.opening import open_ceilings
from vendor.leases.ending import Ending
from vendor.leases.insight import Insight
from vendor.leases.making import Making
from vendor.leases.register import Register
from vendor.leases.renewing import Renewing
from vendor.leases.repeating import Repeating
from vendor.leases.shield.gate import Gate
from vendor.leases.shield.limits import Limits
from vendor.leases.shield.live import Memory
from vendor.leases.shield.shield import MOST_LIVE, Shield
from vendor.leases.splitting import Splitting
from vendor.leases.vending import Vending
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.settings import Settings
from vendor.slow_callbacks import telling_slow_callbacks
from vendor.stewardship.desk import Desk
from vendor.stewardship.identity import Observations, SharedBoard, SharedCooldown
from vendor.stewardship.members import Members
from vendor.stewardship.reach import Reach
from vendor.stewardship.removal import Removal
from vendor.stewardship.review import Review
from vendor.stewardship.shares import Shares
from vendor.stewardship.state_copy import StateCopies
from vendor.stewardship.state_restore import StateRestore
from vendor.stewardship.tenants import Tenants
from vendor.stewardship.users import Users
from vendor.stores.probe.quick import QuickVerdict, quick_check
from vendor.stores.probe.watch import Watch, watching
from vendor.stores.store import Store
from vendor.stores.turns import Turns
from vendor.times import Clock

_log = structlog.get_logger(__name__)


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


def assemble(settings: Settings, clock: Clock) -> Gateway:
    """Make every part of a gateway."""
    issuer = OwnIssuer.open(
        url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=clock
    )
    layout = load_layout(settings.policies / "layout.toml")
    access_table = load_access(settings.policies / "access.toml")
    database = Database.open(settings.redis_url)
    keys = Keys(settings.redis_prefix)
    stream = stream_key(keys.root)
    governance = Governance(database, keys, stream)
    trail = Trail(database, stream)
    audit = open_audit(settings, database, stream, clock)
    authenticator = open_authenticator(
        trust_file=settings.trust,
        own_issuer_url=settings.public_url,
        clock=clock,
        cooldown=SharedCooldown(database, settings.redis_prefix),
        exchange=KeyExchange(SharedBoard(database, settings.redis_prefix, clock), issuer, clock),
        observer=Observations(trail, clock),
    )
    stores = {name: Store(one.store, issuer.sign, clock) for name, one in settings.by_store.items()}
    for name, one in settings.by_store.items():
        stores[name].turns = Turns(one.store_parallel or one.store.profile.parallel, one.store_queue)
    watches = {
        name: _watch(one, stores[name], database, partial(quick_check, stores[name], layout, access_table), clock)
        for name, one in settings.by_store.items()
    }
    ceilings = open_ceilings(
        stores,
        database=database,
        prefix=settings.redis_prefix,
        governance=governance,
        layout=layout,
        access=access_table,
        clock=clock,
        own_slots={name: one.store_ceiling_slots for name, one in settings.by_store.items()},
    )
    register = Register(database, settings.redis_prefix)
    ending = Ending(register, trail, clock, ceilings)
    effects = None if ceilings is None else Effects(ceilings.writer)
    aftermath = Aftermath(database, settings.redis_prefix, effects, ending)
    desk = Desk(governance, clock, settings.joins, aftermath)
    generations = Generations(database, keys, stream)
    copies = StateCopies(desk, generations, trail)
    users = Users(desk)
    making = Making(
        governance=governance,
        stores=stores,
        layout=layout,
        access=access_table,
        durations=settings.durations,
        clock=clock,
        random=random.Random(),  # noqa: S311 - spreads refreshes, guards nothing
        ceilings=ceilings,
    )
    limits = Limits(Gate(database, settings.redis_prefix), trail, clock, settings.limit_vend, settings.limit_share)
    vending = Shield(
        Vending(making, users, trail, register, settings.lease_renewable_max_seconds), limits, Memory(MOST_LIVE, clock)
    )
    renewing = Renewing(making, users, trail, register, limits, authenticator.trust)
    repeating = Repeating(renewing, database, settings.redis_prefix, keys.revision)
    return Gateway(
        authenticator=authenticator,
        issuer=issuer,
        database=database,
        trail=trail,
        audit=audit,
        review=Review(desk, Reach(desk, layout), audit.reader, trail),
        layout=layout,
        stores=stores,
        watches=watches,
        users=users,
        tenants=Tenants(desk),
        members=Members(desk),
        shares=Shares(desk, layout),
        reach=Reach(desk, layout),
        removal=Removal(desk),
        state_copies=copies,
        state_restore=StateRestore(desk, generations, copies, layout),
        lanes=Lanes(),
        wellness=Recent(partial(look, database, authenticator, stores)),
        vending=vending,
        renewing=renewing,
        repeating=repeating,
        assuming=Assuming(vending, renewing, repeating),
        public_url=settings.public_url,
        roles=settings.roles,
        ending=ending,
        splitting=Splitting(making, vending, ending),
        register=register,
        insight=Insight(making, users, Tenants(desk), Reach(desk, layout), register),
        sign_in=authenticator.sign_in(),
        background=Background(database, stream, settings.redis_prefix, ceilings, aftermath, clock),
        traffic=Traffic(),
        metrics_access=settings.metrics_access,
        mms=open_mms(desk, vending, ending, authenticator.trust),
    )


def _watch(
    settings: Settings, store: Store, database: Database, check: Callable[..., Awaitable[QuickVerdict]], clock: Clock
) -> Watch:
    """Make the watch over one store, which from then on is asked before the store issues anything."""
    watch = Watch(
        store=store,
        check=partial(check, clock=clock),
        mode=settings.store_check,
        every=settings.store_check_seconds,
        database=database,
        prefix=settings.redis_prefix,
        clock=clock,
    )
    store.admit = watch.admit
    return watch


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
