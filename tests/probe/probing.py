"""Probes of the stack's stores, run in this process."""

import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from vendor.dev.stack import Stack
from vendor.identity.issuer import OwnIssuer
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.settings import Settings, load
from vendor.stores.probe.report import Report
from vendor.stores.probe.runner import probe
from vendor.stores.probe.trial import Terms
from vendor.stores.store import Store


def settings_of(stack: Stack, **changes: str) -> Settings:
    """Return the settings of a stack's gateway, some of them changed."""
    environment: Mapping[str, str] = {**stack.gateway.settings, **changes}
    return load(environment)


@asynccontextmanager
async def store_of(settings: Settings, kind: type[Store] = Store) -> AsyncIterator[Store]:
    """Open a store as the gateway does."""
    issuer = OwnIssuer.open(
        url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=time.time
    )
    store = kind(settings.store, issuer.sign, time.time)
    try:
        yield store
    finally:
        await store.close()


async def probed(
    settings: Settings, *, patience: float = 0.0, client: str | None = None, only: Collection[str] | None = None
) -> Report:
    """Probe a store."""
    layout, access = load_layout(settings.policies / "layout.toml"), load_access(settings.policies / "access.toml")
    terms = Terms(access, settings.lease_max_seconds, patience=patience)
    async with store_of(settings) as store:
        return await probe(store, layout, terms, client_endpoint=client, only=only)


def verdicts(report: Report) -> dict[str, str]:
    """Return what came out, by check."""
    return {result.check.name: result.verdict.value for result in report.results}
