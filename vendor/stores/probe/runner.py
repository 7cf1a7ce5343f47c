"""Try everything on one store, and tidy up whatever happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

from vendor.errors import StoreRefused, VendError
from vendor.policy.layout import Layout
from vendor.stores.credentials import Credentials
from vendor.stores.probe import admin, escalation, fence, forging, listing, sts, unsigned
from vendor.stores.probe.check import Check, Finding, check, failed, passed, skipped
from vendor.stores.probe.ground import Ground, plant, tidy
from vendor.stores.probe.report import Report, Result
from vendor.stores.probe.trial import Terms, Trial, first_keys
from vendor.stores.s3 import S3
from vendor.stores.store import Store

CHECK_SECONDS: Final = 45.0


@check(
    "issue-keys",
    shows="the store issues keys to the gateway, and they write into the probe's folder",
    advice="See the role documents in policies/roles, the VENDOR_STORE_* settings, and whether both clocks agree.",
)
async def issue_keys(_trial: Trial) -> Finding:
    return passed("issued")


CHECKS: Final[tuple[Check, ...]] = (
    issue_keys,
    *fence.CHECKS,
    *listing.CHECKS,
    *forging.CHECKS,
    *admin.CHECKS,
    *escalation.CHECKS,
    *unsigned.CHECKS,
    *sts.CHECKS,
)
"""All checks, in the order of a report."""
_SLOW: Final = sts.expired  # it waits; the others need not


async def probe(
    store: Store,
    layout: Layout,
    terms: Terms,
    *,
    client_endpoint: str | None = None,
    only: Collection[str] | None = None,
) -> Report:
    """Try a store with keys that it issues, and report; with `only`, the checks of these names.

    Keys are issued and objects planted through the store's own endpoint; everything else is tried at
    `client_endpoint`, where clients reach the store (default: the endpoint they are told).
    """
    settings = store.settings
    ground = Ground.choose(layout, terms.clock())
    direct, client = (
        S3(url, settings.region) for url in (settings.endpoint, client_endpoint or settings.public_endpoint)
    )
    chosen = [one for one in CHECKS[1:] if only is None or one.name in only]
    left: list[str] = []
    try:
        results = await _tried(store, ground, terms, direct, client, left, chosen)
    finally:
        await direct.close()
        await client.close()
    return Report(
        store=settings.name,
        kind=settings.profile.kind.value,
        mode=settings.mode.value,
        endpoint=settings.endpoint,
        client_endpoint=client.endpoint,
        results=tuple(results),
        left_behind=tuple(left),
    )


async def _tried(
    store: Store, ground: Ground, terms: Terms, direct: S3, client: S3, left: list[str], chosen: Sequence[Check]
) -> Sequence[Result]:
    began = time.monotonic()
    try:
        keeper = await first_keys(store, ground, terms.access, ground.keeper_grant())
        mine = await first_keys(store, ground, terms.access, ground.grant())
        async with _planted(direct, keeper, ground, terms, left):
            setting_up = time.monotonic() - began
            results = await _all(Trial(store, client, ground, terms, mine, left), chosen)
    except VendError as problem:
        seconds = time.monotonic() - began
        rest = [Result(one, skipped("no keys to try it with"), 0.0) for one in chosen]
        return [Result(issue_keys, failed(problem.message), seconds), *rest]
    return [Result(issue_keys, passed("issued"), setting_up), *results]


@asynccontextmanager
async def _planted(s3: S3, keeper: Credentials, ground: Ground, terms: Terms, left: list[str]) -> AsyncIterator[None]:
    """Have the objects there as long as the block lasts."""
    try:
        await plant(s3, keeper, ground)
        yield
    finally:
        try:
            left += await tidy(s3, keeper, ground, terms.clock())
        except VendError:
            left.append(f"objects under {ground.root}")


async def _all(trial: Trial, chosen: Sequence[Check]) -> list[Result]:
    """Run the checks one after another, but for the one that waits most of its time."""
    found: dict[str, Result] = {}

    async def run(one: Check) -> None:
        found[one.name] = await _one(one, trial)

    async with asyncio.TaskGroup() as group:
        if _SLOW in chosen:
            group.create_task(run(_SLOW))
        for one in chosen:
            if one is not _SLOW:
                await run(one)
    return [found[one.name] for one in chosen]


async def _one(one: Check, trial: Trial) -> Result:
    began = time.monotonic()
    try:
        async with asyncio.timeout(CHECK_SECONDS + (trial.terms.patience if one is _SLOW else 0.0)):
            finding = await one.run(trial)
    except StoreRefused as refusal:
        finding = failed(f"the store refused what the check needs: {refusal.message}")
    except VendError as problem:
        finding = failed(problem.message)
    except TimeoutError:
        finding = failed("the check took too long")
    return Result(one, finding, time.monotonic() - began)
