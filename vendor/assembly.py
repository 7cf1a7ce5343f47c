"""Every part of a gateway made once, in the order of the floors."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from vendor.audit.trail import Trail, stream_key
from vendor.audit_opening import open_audit
from vendor.database import Database
from vendor.doors.context import Gateway
from vendor.doors.fairness import Lanes
from vendor.doors.mms.parts import open_mms
from vendor.doors.recent import Recent
from vendor.doors.traffic import Traffic
from vendor.doors.wellness import look
from vendor.governance.generations import Generations
from vendor.governance.keys import Keys
from vendor.governance.state import Governance
from vendor.identity.authenticator import Authenticator, open_authenticator
from vendor.identity.issuer import OwnIssuer
from vendor.identity.key_exchange import KeyExchange
from vendor.leases.aftermath import Aftermath
from vendor.leases.assuming import Assuming
from vendor.leases.background import Background
from vendor.leases.ceilings.ceilings import Ceilings
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
from vendor.policy.access import AccessTable, load_access
from vendor.policy.layout import Layout, load_layout
from vendor.settings import Settings
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
from vendor.stores.probe.quick import quick_check
from vendor.stores.probe.watch import Watch
from vendor.stores.store import Store
from vendor.stores.turns import Turns
from vendor.times import Clock


@dataclass(frozen=True, slots=True)
class _Ground:
    """What all parts stand on: the settings, the clock, the state that replicas share, and the tables."""

    settings: Settings
    clock: Clock
    issuer: OwnIssuer
    layout: Layout
    access: AccessTable
    database: Database
    keys: Keys
    stream: str
    governance: Governance
    trail: Trail

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> "_Ground":
        issuer = OwnIssuer.open(
            url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=clock
        )
        layout = load_layout(settings.policies / "layout.toml")
        access = load_access(settings.policies / "access.toml")
        database, keys = Database.open(settings.redis_url), Keys(settings.redis_prefix)
        stream = stream_key(keys.root)
        governance, trail = Governance(database, keys, stream), Trail(database, stream)
        return cls(settings, clock, issuer, layout, access, database, keys, stream, governance, trail)


def assemble(settings: Settings, clock: Clock) -> Gateway:
    """Make every part of a gateway.

    Raises PolicyFileError, TrustError and KeyringError for files that cannot be used.
    """
    ground = _Ground.open(settings, clock)
    database, prefix, trail, layout = ground.database, settings.redis_prefix, ground.trail, ground.layout
    audit = open_audit(settings, database, ground.stream, clock)
    authenticator = _authenticator(ground)
    stores = _stores(ground)
    ceilings = _ceilings(ground, stores)
    register = Register(database, prefix)
    ending = Ending(register, trail, clock, ceilings)
    aftermath = Aftermath(database, prefix, None if ceilings is None else Effects(ceilings.writer), ending)
    desk = Desk(ground.governance, clock, settings.joins, aftermath)
    generations = Generations(database, ground.keys, ground.stream)
    copies = StateCopies(desk, generations, trail)
    users = Users(desk)
    making = _making(ground, stores, ceilings)
    limits = Limits(Gate(database, prefix), trail, clock, settings.limit_vend, settings.limit_share)
    vending = Shield(
        Vending(making, users, trail, register, settings.lease_renewable_max_seconds), limits, Memory(MOST_LIVE, clock)
    )
    renewing = Renewing(making, users, trail, register, limits, authenticator.trust)
    repeating = Repeating(renewing, database, prefix, ground.keys.revision)
    return Gateway(
        authenticator=authenticator,
        issuer=ground.issuer,
        database=database,
        trail=trail,
        audit=audit,
        review=Review(desk, Reach(desk, layout), audit.reader, trail),
        layout=layout,
        stores=stores,
        watches=_watches(ground, stores),
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
        background=Background(database, ground.stream, prefix, ceilings, aftermath, clock),
        traffic=Traffic(),
        metrics_access=settings.metrics_access,
        mms=open_mms(desk, vending, ending, authenticator.trust),
    )


def _authenticator(ground: _Ground) -> Authenticator:
    settings, clock = ground.settings, ground.clock
    board = SharedBoard(ground.database, settings.redis_prefix, clock)
    return open_authenticator(
        trust_file=settings.trust,
        own_issuer_url=settings.public_url,
        clock=clock,
        cooldown=SharedCooldown(ground.database, settings.redis_prefix),
        exchange=KeyExchange(board, ground.issuer, clock),
        observer=Observations(ground.trail, clock),
    )


def _stores(ground: _Ground) -> dict[str, Store]:
    stores = {}
    for name, one in ground.settings.by_store.items():
        store = stores[name] = Store(one.store, ground.issuer.sign, ground.clock)
        store.turns = Turns(one.store_parallel or one.store.profile.parallel, one.store_queue)
    return stores


def _watches(ground: _Ground, stores: Mapping[str, Store]) -> dict[str, Watch]:
    """Make the watch over each store, which from then on is asked before the store issues anything."""
    watches = {}
    for name, one in ground.settings.by_store.items():
        watch = watches[name] = Watch(
            store=stores[name],
            check=partial(quick_check, stores[name], ground.layout, ground.access, clock=ground.clock),
            mode=one.store_check,
            every=one.store_check_seconds,
            database=ground.database,
            prefix=one.redis_prefix,
            clock=ground.clock,
        )
        stores[name].admit = watch.admit
    return watches


def _ceilings(ground: _Ground, stores: Mapping[str, Store]) -> Ceilings | None:
    return open_ceilings(
        stores,
        database=ground.database,
        prefix=ground.settings.redis_prefix,
        governance=ground.governance,
        layout=ground.layout,
        access=ground.access,
        clock=ground.clock,
        own_slots={name: one.store_ceiling_slots for name, one in ground.settings.by_store.items()},
    )


def _making(ground: _Ground, stores: Mapping[str, Store], ceilings: Ceilings | None) -> Making:
    return Making(
        governance=ground.governance,
        stores=stores,
        layout=ground.layout,
        access=ground.access,
        durations=ground.settings.durations,
        clock=ground.clock,
        random=random.Random(),  # noqa: S311 - spreads refreshes, guards nothing
        ceilings=ceilings,
    )
