"""Whether a caller can make up the values that conditions of a policy are compared with.

The gateway writes no conditions but those on s3:prefix, so nothing depends on this; it matters to operators who write
conditions into policies of their own, and it says why listings leak where they do.
"""

import json
from typing import Final

from vendor.stores.probe.check import Check, Finding, check, failed, passed, skipped
from vendor.stores.probe.trial import Trial
from vendor.stores.s3 import Call, path_of

_ADVICE: Final = "Rely on no condition in policies on this store, or put deploy/nginx before it."
_TRICKS: Final = (
    ({"StringEquals": {"aws:username": ["nobody-else"]}}, "Username", "nobody-else"),
    ({"DateLessThan": {"aws:CurrentTime": ["2020-01-01T00:00:00Z"]}}, "Currenttime", "2019-01-01T00:00:00Z"),
    ({"StringEquals": {"aws:userid": ["nobody-else"]}}, "Userid", "nobody-else"),
    ({"StringEquals": {"jwt:sub": ["nobody-else"]}}, "Sub", "nobody-else"),
)
"""A condition that does not hold, and the header that would make it hold."""


@check(
    "forge-condition",
    shows="no header or parameter satisfies a condition on who asks, or when",
    advice=_ADVICE,
    relied_on=False,
)
async def forge_condition(trial: Trial) -> Finding:
    tried = 0
    for condition, name, value in _TRICKS:
        keys = await trial.ask(_document(trial, condition))
        if keys is None:
            continue  # the store does not know this key
        key = trial.hello(trial.ground.mine)
        if await trial.opens(keys, trial.ground.mine):
            return failed(f"a condition on {next(iter(next(iter(condition.values()))))} is not looked at")
        tried += 1
        tricks = (
            trial.get(key, unsigned={name: value}),
            Call("GET", path_of(trial.ground.bucket, key), headers={name: value}),
            Call("GET", path_of(trial.ground.bucket, key), ((name, value),)),
        )
        for trick in tricks:
            if (await trial.send(trick, keys)).fine:
                return failed(f"{name} was believed")
    return passed("denied") if tried else skipped("the store takes no such condition")


def _document(trial: Trial, condition: dict[str, dict[str, list[str]]]) -> str:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{trial.ground.bucket}/{trial.ground.mine}*"],
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


CHECKS: Final[tuple[Check, ...]] = (forge_condition,)
