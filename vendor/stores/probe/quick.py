"""The few calls that tell whether leases can be given on a store at all: at start, and from time to time.

One call to STS and at most ten to S3, on one small object, which is removed again.  What must hold is tried where the
gateway reaches the store; the holes that are known of some stores where clients do, if that can be reached from here.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.policy.access import AccessTable
from vendor.policy.layout import Layout
from vendor.stores.credentials import Credentials
from vendor.stores.probe.admin import ADMIN
from vendor.stores.probe.ground import Ground
from vendor.stores.probe.trial import Terms, Trial, first_keys
from vendor.stores.probe.unsigned import in_the_query
from vendor.stores.s3 import S3, Call, path_of
from vendor.stores.store import Store
from vendor.stores.xml import parse_text
from vendor.times import Clock

RUN: Final = "canary"
SECONDS: Final = 15.0
KEY_SECONDS: Final = 60  # where the store can give so short ones


class State(StrEnum):
    """SOUND: leases can be given.  BROKEN: they would be useless.  OPEN: they would open more than they are for."""

    SOUND = "sound"
    BROKEN = "broken"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class QuickVerdict:
    """What was found.  `reason` is a sentence, empty for a sound store; `holes` are names of checks of the probe."""

    state: State
    reason: str = ""
    holes: tuple[str, ...] = ()


async def quick_check(store: Store, layout: Layout, access: AccessTable, *, clock: Clock = time.time) -> QuickVerdict:
    """Try a store.  Raises StoreUnavailable when it is away, overloaded, or takes too long."""
    settings = store.settings
    ground = Ground.choose(layout, clock(), RUN)
    direct, public = S3(settings.endpoint, settings.region), S3(settings.public_endpoint, settings.region)
    try:
        async with asyncio.timeout(SECONDS):
            keys = await first_keys(store, ground, access, ground.grant(), max(KEY_SECONDS, store.durations.least))
            trial = Trial(store, direct, ground, Terms(access, most_seconds=0, clock=clock), keys)
            return await _tried(trial, public)
    except StoreRefused as refusal:
        return QuickVerdict(State.BROKEN, refusal.message)
    except TimeoutError:
        raise StoreUnavailable("The store takes too long to be tried.") from None
    finally:
        await direct.close()
        await public.close()


async def _tried(trial: Trial, public: S3) -> QuickVerdict:
    own = trial.hello(trial.ground.mine)
    written = await trial.send(trial.put(own))
    if written.status >= 500:
        raise StoreUnavailable(f"The store cannot be tried at the moment ({written.short}).")
    if not written.fine:
        return QuickVerdict(State.BROKEN, f"Keys do not write where they should ({written.short}).")
    try:
        verdict = await _fenced(trial)
        return (
            verdict if verdict.state is not State.SOUND else QuickVerdict(State.SOUND, "", await _holes(trial, public))
        )
    finally:
        await trial.send(trial.delete(own))


async def _fenced(trial: Trial) -> QuickVerdict:
    """Objects elsewhere, listings elsewhere; and listing where it is granted, so that a denial means something."""
    bucket, strange = path_of(trial.ground.bucket), trial.ground.theirs + "written"
    if (await trial.send(trial.put(strange))).fine:
        await trial.send(trial.delete(strange))
        return QuickVerdict(
            State.OPEN, "Keys write outside the prefix they are for: session policies are not enforced."
        )
    if (await trial.send(Call("GET", bucket, (("list-type", "2"),)))).fine:
        return QuickVerdict(State.OPEN, "Keys list the whole bucket: conditions of session policies are not enforced.")
    listed = await trial.send(_listing(trial, trial.ground.mine))
    if not listed.fine:
        return QuickVerdict(State.BROKEN, f"Keys do not list what they are for ({listed.short}).")
    return QuickVerdict(State.SOUND)


async def _holes(trial: Trial, public: S3) -> tuple[str, ...]:
    """Look for what is known of some stores, as far as clients could make use of it."""
    mine, theirs = trial.ground.mine, trial.ground.theirs
    unsigned = trial.ground.mine + "unsigned"
    tricks: Sequence[tuple[str, Credentials | None, Call]] = (
        ("list-forged-header", trial.mine, _listing(trial, theirs, Prefix=mine)),
        ("list-repeated-prefix", trial.mine, _listing(trial, theirs, mine)),
        ("reach-admin-door", trial.mine, Call("GET", f"{ADMIN}accountinfo")),
        ("unsigned-upload", None, in_the_query(trial, unsigned)),
    )
    found = []
    try:
        for name, keys, call in tricks:
            reply = await public.send(keys, call)
            if reply.fine and parse_text(reply.body, "Prefix") in {"", theirs}:
                found.append(name)
    except (StoreRefused, StoreUnavailable):
        pass  # clients come another way than we do: nothing can be said from here
    if "unsigned-upload" in found:
        await trial.send(trial.delete(unsigned))
    return tuple(found)


def _listing(trial: Trial, *prefixes: str, **unsigned: str) -> Call:
    question = (("list-type", "2"), *(("prefix", prefix) for prefix in prefixes))
    return Call("GET", path_of(trial.ground.bucket), question, unsigned=unsigned)
