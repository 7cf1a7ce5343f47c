"""How the store issues keys: what it makes of policies and durations, and whether keys end."""

import json
from typing import Final

from vendor.errors import InvalidDuration, StoreRefused
from vendor.policy.grant import Level
from vendor.stores.credentials import Credentials
from vendor.stores.probe.check import Check, Finding, check, failed, passed, skipped
from vendor.stores.probe.trial import Trial
from vendor.stores.store import CLOCK_SLACK

TOLERANCE: Final = 10.0  # seconds between the end asked for and the end returned that say nothing
SHORT: Final = 5  # the shortest keys that are asked for where any length is possible
_SURE: Final = 1.0  # how long after their end keys are tried


@check(
    "policy-limit",
    shows="a policy as large as the gateway makes them is accepted",
    advice="Report this store's limit; the gateway would make policies that it refuses.",
)
async def policy_limit(trial: Trial) -> Finding:
    limit = trial.store.profile.policy_limit
    if await trial.ask(_sized(trial, limit)) is None:
        return failed(f"{limit} bytes are refused")
    over = await trial.ask(_sized(trial, limit + 1))
    padded = await trial.ask(_padded(trial, limit + 1))
    more = "more is refused" if over is None else "more is accepted"
    return passed(f"{limit} bytes are accepted, {more}; blanks {'count' if padded is None else 'do not count'}")


@check(
    "blank-policy",
    shows="a policy of blanks gives no keys, or none that open anything",
    advice="It means all rights of the role here. The gateway never sends one; let nobody else call this store's STS.",
    relied_on=False,
)
async def blank_policy(trial: Trial) -> Finding:
    # Such keys may open everything: they are used for one GET, and end soon.
    keys = await trial.ask("   ", _shortest(trial))
    if keys is None:
        return passed("refused")
    opened = await trial.opens(keys, trial.ground.theirs)
    return failed("the keys open what others have") if opened else passed("the keys open nothing")


@check(
    "policy-arns",
    shows="a session policy narrows as much when PolicyArns is sent as well",
    advice="The gateway never sends PolicyArns; let nobody else call this store's STS.",
    relied_on=False,
)
async def policy_arns(trial: Trial) -> Finding:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    keys = await trial.ask(trial.policy(), _shortest(trial), **{"PolicyArns.member.1.arn": arn})
    if keys is None:
        return passed("refused")
    if await trial.opens(keys, trial.ground.theirs):
        return failed("the keys open what others have")
    return await trial.unless_all_is_denied("ignored, or without effect", keys)


@check(
    "shortest-keys",
    shows="the shortest keys end when the store says, and not later than asked",
    advice="Set VENDOR_LEASE_MIN_SECONDS, and for SeaweedFS VENDOR_STORE_SHORT_SECONDS, to what the store does.",
)
async def shortest(trial: Trial) -> Finding:
    return await _lasting(trial, _shortest(trial))


@check(
    "longest-keys",
    shows="keys as long as the longest lease are issued, if need be for less",
    advice="Set VENDOR_LEASE_MAX_SECONDS to what the store does.",
)
async def longest(trial: Trial) -> Finding:
    return await _lasting(trial, trial.terms.most_seconds)


@check(
    "duration-bounds",
    shows="durations out of bounds are refused, not stretched",
    advice="The gateway believes the store's expiry, so this only means that leases can be shorter than asked for.",
    relied_on=False,
)
async def bounds(trial: Trial) -> Finding:
    if trial.exact:
        return skipped("the token's end decides, and no duration is sent")
    profile, seen = trial.store.profile, []
    for name, seconds in (("below", profile.least_duration - 1), ("above", profile.most_duration + 1)):
        asked = trial.terms.clock()
        keys = await trial.ask(_harmless(trial), DurationSeconds=str(seconds))
        if keys is None:
            seen.append(f"{name} is refused")
        elif keys.expires_at - asked > seconds + TOLERANCE:
            return failed(f"{name}: the keys last longer than asked")
        else:
            seen.append(f"{name} is {'cut' if keys.expires_at - asked < seconds - TOLERANCE else 'accepted'}")
    return passed(", ".join(seen))


@check(
    "clock",
    shows="the store's clock agrees with the gateway's",
    advice="Let both follow a time server: tokens are refused as not yet valid, and keys end at wrong times.",
)
async def clock(trial: Trial) -> Finding:
    from email.utils import parsedate_to_datetime

    before = trial.terms.clock()
    reply = await trial.send(trial.get(trial.hello(trial.ground.mine)))
    after = trial.terms.clock()
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except ValueError:
        return skipped("the store tells no time")
    skew = max(theirs - after, before - (theirs + 1), 0.0)  # a Date has whole seconds
    if skew > CLOCK_SLACK:
        return failed(f"{skew:.0f} s apart")
    return passed("within 2 s" if skew <= 2 else f"{skew:.0f} s apart")


@check(
    "expired-keys",
    shows="keys do nothing after their end",
    advice="The store does not end its keys: use no lease on it.",
)
async def expired(trial: Trial) -> Finding:
    seconds = _shortest(trial)
    if seconds + _SURE > trial.terms.patience:
        return skipped("the shortest keys outlast the probe; give it more patience, or shorter keys")
    keys = await trial.keys(seconds=seconds)
    if not await trial.opens(keys, trial.ground.mine):
        return failed("the keys did not work before their end")
    await trial.terms.sleep(max(0.0, keys.expires_at + _SURE - trial.terms.clock()))
    reply = await trial.send(trial.get(trial.hello(trial.ground.mine)), keys)
    if reply.fine:
        return failed("the keys still work after their end")
    return await trial.unless_all_is_denied(reply.short)


def _shortest(trial: Trial) -> int:
    least = max(trial.store.durations.least, 1)
    return max(least, SHORT) if trial.exact else least


async def _lasting(trial: Trial, seconds: int) -> Finding:
    asked = trial.terms.clock()
    try:
        keys: Credentials = await trial.store.mint(trial.order(_harmless(trial), seconds))
    except (InvalidDuration, StoreRefused) as refusal:
        return failed(f"{seconds} s: {refusal.message}")
    lasts = keys.expires_at - asked
    if abs(lasts - seconds) <= TOLERANCE:
        return passed(f"{seconds} s, as asked")
    return passed(f"{seconds} s asked, {lasts:.0f} s given")


def _harmless(trial: Trial) -> str:
    """A policy for keys that may last long: it opens a folder in which there is nothing."""
    return _document([f"arn:aws:s3:::{trial.ground.bucket}/{trial.ground.root}nothing/*"])


def _sized(trial: Trial, size: int) -> str:
    """Return a policy of exactly `size` bytes, about folders that are not there."""
    base = f"arn:aws:s3:::{trial.ground.bucket}/{trial.ground.root}"
    resources = [f"{base}{number:04}/*" for number in range((size - 300) // (len(base) + 10))]
    missing = size - len(_document(resources)) - len(f',"{base}/*"')
    text = _document([*resources, f"{base}{'x' * missing}/*"])
    assert len(text) == size  # noqa: S101 - what this function promises
    return text


def _padded(trial: Trial, size: int) -> str:
    text = trial.policy(trial.ground.grant(Level.READ))
    return text[:-1] + " " * (size - len(text)) + text[-1]


def _document(resources: list[str]) -> str:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resources}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


CHECKS: Final[tuple[Check, ...]] = (
    policy_limit,
    blank_policy,
    policy_arns,
    shortest,
    longest,
    bounds,
    clock,
    expired,
)
