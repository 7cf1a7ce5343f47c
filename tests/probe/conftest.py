"""A store that lies; and what the probe says of the stores that tell the truth."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from tests.probe.liar import Liar, Lie
from tests.probe.probing import settings_of
from vendor.dev.folder import open_folder
from vendor.dev.probe_tables import edge_before, ministack_settings, probed
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError
from vendor.dev.seaweedfs import start_seaweedfs
from vendor.dev.stack import Stack
from vendor.dev.store import WEB_IDENTITY
from vendor.settings import Settings, shipped_policies
from vendor.stores.probe.report import Report


@pytest.fixture(scope="session")
async def seaweedfs_liar(seaweedfs_stack: Stack) -> AsyncIterator[Liar]:
    async with Liar(seaweedfs_stack.store.site).serving() as liar:
        yield liar


@pytest.fixture
async def liar(seaweedfs_liar: Liar) -> AsyncIterator[Liar]:
    """SeaweedFS behind a proxy that tells the truth until a test says otherwise."""
    yield seaweedfs_liar
    seaweedfs_liar.lie = Lie()


@pytest.fixture(scope="session")
def juicefs_edge(juicefs_stack: Stack) -> Iterator[str]:
    """A real nginx with the edge configuration before JuiceFS; the test is skipped where there is no nginx."""
    with skipping(), edge_before(juicefs_stack) as url:
        yield url


@pytest.fixture(scope="session")
def hasty_seaweedfs(seaweedfs_stack: Stack) -> Iterator[Settings]:
    """A second SeaweedFS that trusts the stack's gateway, with keys so short that one can wait for their end."""
    with open_folder(None) as folder:
        children = Children()
        try:
            store = start_seaweedfs(
                folder,
                children,
                issuer=seaweedfs_stack.gateway.url,
                bucket=seaweedfs_stack.bucket,
                policies=shipped_policies(),
                short_seconds=5,
            )
            yield settings_of(seaweedfs_stack, **store.site.settings(WEB_IDENTITY))
        finally:
            children.stop(kill=True)


@pytest.fixture(scope="session")
async def reports(hasty_seaweedfs: Settings, juicefs_stack: Stack) -> dict[str, Report]:
    """What the probe says of every store of the default run; side by side, since it mostly waits for keys to end."""
    juicefs = settings_of(juicefs_stack)
    probes = {"seaweedfs": partial(probed, hasty_seaweedfs), "juicefs": partial(probed, juicefs)}
    with ExitStack() as running:
        with suppress(MissingProgramError):
            probes["juicefs-edge"] = partial(probed, juicefs, client=running.enter_context(edge_before(juicefs_stack)))
        with suppress(MissingProgramError):
            probes["ministack"] = partial(probed, running.enter_context(ministack_settings()))
        found = await asyncio.gather(*(probe() for probe in probes.values()))
    return dict(zip(probes, found, strict=True))


@contextmanager
def skipping() -> Iterator[None]:
    """Skip the test where a program is missing."""
    try:
        yield
    except MissingProgramError as missing:
        pytest.skip(str(missing))
