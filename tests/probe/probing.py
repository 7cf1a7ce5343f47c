"""Probes of the stack's stores, run in this process."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from vendor.dev.stack import Stack
from vendor.identity.issuer import OwnIssuer
from vendor.settings import Settings, load
from vendor.stores.probe.report import Report
from vendor.stores.store import Store


def settings_of(stack: Stack, **changes: str) -> Settings:
    """Return the settings of a stack's gateway, some of them changed."""
    environment: Mapping[str, str] = {**stack.gateway.settings, **changes}
    return load(environment)


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[Store]:
    """Open a store as the gateway does."""
    issuer = OwnIssuer.open(
        url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=time.time
    )
    store = Store(settings.store, issuer.sign, time.time)
    try:
        yield store
    finally:
        await store.close()


def verdicts(report: Report) -> dict[str, str]:
    """Return what came out, by check."""
    return {result.check.name: result.verdict.value for result in report.results}
