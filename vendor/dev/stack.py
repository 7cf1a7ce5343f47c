"""The whole development stack, for `vendor dev` and for tests: brought up in order, taken down whatever happens.

First, side by side, what stands alone: Valkey, the OpenID provider, KBase, and SeaweedFS.  Then the gateway.  Last the
stores that ask the gateway for its keys at their own start.  Nothing is left behind, on an error or a signal either.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vendor.dev.canned import canned_site
from vendor.dev.folder import StateFolder, open_folder
from vendor.dev.gateway import Gateway, gateway_url, start_gateway
from vendor.dev.idp import Idp, start_idp
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.juicefs import REFRESH, start_juicefs
from vendor.dev.kbase import KBase, start_kbase
from vendor.dev.minio import KIND as MINIO
from vendor.dev.minio import find_minio, start_minio
from vendor.dev.ports import PortTakenError, Reservation
from vendor.dev.process import Children
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.seaweedfs import SHORT_SECONDS, start_seaweedfs
from vendor.dev.seed import SeedError, seed_governance, seed_objects
from vendor.dev.store import WEB_IDENTITY, Store, StoreSite
from vendor.dev.trust import write_trust
from vendor.dev.users import CAROL, PEOPLE
from vendor.dev.valkey import Valkey, start_valkey
from vendor.names import Bucket
from vendor.policy.layout import Layout, load_layout
from vendor.settings import shipped_policies

STORES = (SEAWEEDFS, JUICEFS, MINIO)
STS_ROLES = "arn:aws:iam::000000000000:role/vendor arn:aws:iam::000000000000:role/tenant-{tenant}-{access}"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Stack:
    """A running stack.  Its parts can be stopped, frozen and restarted one by one (see `Child`)."""

    folder: StateFolder
    children: Children
    valkey: Valkey
    idp: Idp
    kbase: KBase
    store: Store
    gateway: Gateway
    layout: Layout
    _settings: Mapping[str, str] = field(repr=False)

    @property
    def bucket(self) -> Bucket:
        return self.layout.bucket

    @cached_property
    def tokens(self) -> dict[str, str]:
        """An OIDC access token of every person, good for half a day."""
        return {person.name: self.idp.token(person.name) for person in PEOPLE}

    @property
    def logs(self) -> list[Path]:
        """The log of every part."""
        return sorted(self.folder.logs.glob("*.log"))

    def add_gateway(self, name: str, **settings: str) -> Gateway:
        """Start another gateway on the same Redis and store; `settings` (VENDOR_…) replace or add.

        It shares the first one's issuer, so it can take any lease of the first one over.  The caller may stop it.
        """
        for attempt in range(_ATTEMPTS):
            with Reservation(1) as reserved:
                port = reserved.ports[0]
            shared = {"VENDOR_PUBLIC_URL": self.gateway.url}
            try:
                added = start_gateway(
                    self.folder, self.children, port=port, settings={**self._settings, **shared, **settings}, name=name
                )
            except PortTakenError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                added.wait_until_ready()
                return added
        raise AssertionError("unreachable")


@contextmanager
def running_stack(
    store: str = SEAWEEDFS,
    *,
    state: Path | None = None,
    mode: str = WEB_IDENTITY,
    settings: Mapping[str, str] | None = None,
    seeded: bool = True,
    short_seconds: int = SHORT_SECONDS,
    refresh: str = REFRESH,
) -> Iterator[Stack]:
    """Bring a stack up, and take it down when the block ends.

    `state` keeps its data for the next time; `mode` is how the gateway asks the store (VENDOR_STORE_MODE); `settings`
    are more VENDOR_* variables for the gateway; `short_seconds` is the length of SeaweedFS's short leases, `refresh`
    how often the JuiceFS gateway reads its identities and policies again.
    """
    if store not in STORES:
        raise ValueError(f"there is no store {store!r}; known are {', '.join(STORES)}")
    if store == MINIO:
        find_minio()  # before anything starts
    with open_folder(state) as folder:
        stack = _try_to_bring_up(_Plan(folder, store, mode, dict(settings or {}), short_seconds, refresh))
        try:
            if seeded:
                _seed(stack)
            yield stack
        finally:
            _take_down(stack)


@dataclass(frozen=True)
class _Plan:
    folder: StateFolder
    store: str
    mode: str
    settings: Mapping[str, str]
    short_seconds: int
    refresh: str
    policies: Path = field(default_factory=shipped_policies)


def _seed(stack: Stack) -> None:
    try:
        seed_governance(stack.gateway.url, stack.idp.token(CAROL.name))
    except SeedError as refused:
        raise SeedError(f"{refused}\n{stack.gateway.child.tail()}") from None
    seed_objects(stack.store.site, stack.layout)


def _take_down(stack: Stack) -> None:
    """The gateway first, so that it ends with all it needs still there.  Throw-away data needs no farewell."""
    stack.gateway.child.stop()
    stack.children.stop(kill=stack.folder.throw_away)


def _try_to_bring_up(plan: _Plan) -> Stack:
    """Bring everything up; begin anew if somebody takes a port that was already announced to others."""
    for attempt in range(_ATTEMPTS):
        children = Children()
        try:
            return _bring_up(plan, children)
        except PortTakenError:
            children.stop(kill=True)
            if attempt == _ATTEMPTS - 1:
                raise
        except BaseException:
            children.stop(kill=True)
            raise
    raise AssertionError("unreachable")


def _bring_up(plan: _Plan, children: Children) -> Stack:
    folder, policies = plan.folder, plan.policies
    layout = load_layout(policies / "layout.toml")
    with Reservation(2) as reserved:
        gateway_port, store_port = reserved.ports
        issuer = gateway_url(gateway_port)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="starting") as pool:
            valkey = pool.submit(start_valkey, folder, children)
            idp = pool.submit(start_idp, folder, children)
            kbase = pool.submit(start_kbase, folder, children)
            early = pool.submit(_early_store, plan, children, issuer, layout.bucket)
            _wait(children, [valkey, idp, kbase, early])
    early_store = early.result()
    site = early_store.site if early_store else canned_site(plan.store, folder, store_port, layout.bucket)
    settings = {
        "VENDOR_REDIS_URL": valkey.result().url,
        "VENDOR_TRUST_FILE": str(folder.path / "trust.toml"),
        "VENDOR_STS_ROLES": STS_ROLES,
        **site.settings(plan.mode),
        **plan.settings,
    }
    write_trust(folder.path / "trust.toml", issuer=idp.result().issuer, kbase=kbase.result().url)
    gateway = start_gateway(folder, children, port=gateway_port, settings=settings)
    store = early_store or _late_store(plan, children, site, issuer)
    gateway.wait_until_ready()
    return Stack(folder, children, valkey.result(), idp.result(), kbase.result(), store, gateway, layout, settings)


def _early_store(plan: _Plan, children: Children, issuer: str, bucket: Bucket) -> Store | None:
    if plan.store != SEAWEEDFS:
        return None
    return start_seaweedfs(
        plan.folder,
        children,
        issuer=issuer,
        bucket=bucket,
        policies=plan.policies,
        short_seconds=plan.short_seconds,
    )


def _late_store(plan: _Plan, children: Children, site: StoreSite, issuer: str) -> Store:
    if plan.store != JUICEFS:
        return start_minio(site, plan.folder, children, issuer=issuer, policies=plan.policies)
    return start_juicefs(site, plan.folder, children, issuer=issuer, policies=plan.policies, refresh=plan.refresh)


def _wait(children: Children, starting: Sequence[Future[Any]]) -> None:
    """Wait until all are there.  When one fails, or we are interrupted, the others give up."""
    try:
        for done in as_completed(starting):
            done.result()
    except BaseException:
        children.stop(kill=True)  # whoever waits for one of them sees it end
        raise
