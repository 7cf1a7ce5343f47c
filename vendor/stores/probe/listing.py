"""What listings show, asked for plainly and with tricks.

On stores whose condition values come from headers and parameters of the request, the tricks work: there, key names
within one bucket are private only behind an edge that takes the tricks away (deploy/nginx).
"""

from typing import Final

from vendor.stores.probe.check import Check, Finding, Verdict, check, failed, passed
from vendor.stores.probe.trial import Trial
from vendor.stores.s3 import Call, path_of
from vendor.stores.xml import parse_keys

_EDGE: Final = (
    "Names of objects are not private within a bucket here. Put deploy/nginx before the store, or use a bucket each."
)


def _list(trial: Trial, *query: tuple[str, str], signed: str | None = None, unsigned: str | None = None) -> Call:
    """Return a listing, with a header `Prefix` where one is given."""
    return Call(
        "GET",
        path_of(trial.ground.bucket),
        (("list-type", "2"), *query),
        headers={} if signed is None else {"Prefix": signed},
        unsigned={} if unsigned is None else {"Prefix": unsigned},
    )


@check(
    "list-inside",
    shows="keys list below their prefix, and see what is there",
    advice="Compare the role or policy that leases narrow with policies/roles: it must allow s3:ListBucket.",
)
async def inside(trial: Trial) -> Finding:
    reply = await trial.send(_list(trial, ("prefix", trial.ground.mine)))
    if not reply.fine:
        return failed(f"refused with {reply.short}")
    found = parse_keys(reply.body) or []
    return passed("allowed") if trial.hello(trial.ground.mine) in found else failed("the listing lacks what is there")


@check(
    "list-elsewhere",
    shows="keys do not list what somebody else has, nor a folder of a like name",
    advice="Conditions on s3:prefix are not enforced: names of objects are not private here.",
)
async def elsewhere(trial: Trial) -> Finding:
    found = passed("")
    for prefix in (trial.ground.theirs, trial.ground.sibling, trial.ground.root, trial.ground.mine.removesuffix("/")):
        found = await trial.hidden(_list(trial, ("prefix", prefix)))
        if found.verdict is Verdict.FAIL:
            return found
    return found


@check(
    "list-without-prefix",
    shows="keys do not list the whole bucket",
    advice="Conditions on s3:prefix are not enforced: names of objects are not private here.",
)
async def without_prefix(trial: Trial) -> Finding:
    found = await trial.hidden(_list(trial))
    return found if found.verdict is Verdict.FAIL else await trial.hidden(_list(trial, ("prefix", "")))


@check("list-other-ways", shows="old listings, versions and uploads obey the prefix as well", advice=_EDGE)
async def other_ways(trial: Trial) -> Finding:
    path, prefix = path_of(trial.ground.bucket), ("prefix", str(trial.ground.theirs))
    found = passed("")
    for query in ((prefix,), (("versions", ""), prefix), (("uploads", ""), prefix), (("uploads", ""),)):
        found = await trial.hidden(Call("GET", path, query))
        if found.verdict is Verdict.FAIL:
            return found
    return found


@check(
    "list-repeated-prefix",
    shows="a second prefix parameter does not open the first",
    advice=_EDGE,
    relied_on=False,
)
async def repeated(trial: Trial) -> Finding:
    # In the order of their values, because signers sort them and servers do not: the signature has to be good.
    before, mine, after = (
        ("prefix", str(place)) for place in (trial.ground.theirs, trial.ground.mine, trial.ground.sibling)
    )
    found = await trial.hidden(_list(trial, before, mine))
    return found if found.verdict is Verdict.FAIL else await trial.hidden(_list(trial, mine, after))


@check(
    "list-forged-header",
    shows="a header named Prefix does not open another prefix, signed or not",
    advice=_EDGE,
    relied_on=False,
)
async def forged_header(trial: Trial) -> Finding:
    theirs, mine = ("prefix", str(trial.ground.theirs)), str(trial.ground.mine)
    found = await trial.hidden(_list(trial, theirs, unsigned=mine))
    return found if found.verdict is Verdict.FAIL else await trial.hidden(_list(trial, theirs, signed=mine))


@check(
    "list-forged-parameter",
    shows="a parameter named Prefix or PREFIX does not open another prefix",
    advice=_EDGE,
    relied_on=False,
)
async def forged_parameter(trial: Trial) -> Finding:
    theirs, mine = ("prefix", str(trial.ground.theirs)), str(trial.ground.mine)
    found = await trial.hidden(_list(trial, theirs, ("Prefix", mine)))
    return found if found.verdict is Verdict.FAIL else await trial.hidden(_list(trial, theirs, ("PREFIX", mine)))


CHECKS: Final[tuple[Check, ...]] = (
    inside,
    elsewhere,
    without_prefix,
    other_ways,
    repeated,
    forged_header,
    forged_parameter,
)
