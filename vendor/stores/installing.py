"""Install in a store what the gateway needs there, once, with an administrator's keys: a bucket, and policies.

Repeat is fine: what is there is replaced by what should be there.  The keys are used for these calls and kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vendor.errors import StoreRefused
from vendor.names import Bucket
from vendor.stores.ceilings.canned import CannedPolicies
from vendor.stores.ceilings.iam import IamPolicies
from vendor.stores.ceilings.names import Names
from vendor.stores.ceilings.replies import require
from vendor.stores.credentials import Credentials
from vendor.stores.profile import CeilingApi
from vendor.stores.s3 import S3, Call, Reply, path_of


class Done(StrEnum):
    """What came of one thing to be installed, or would, in a dry run."""

    MADE = "made"
    REPLACED = "replaced"
    THERE = "there"
    TO_MAKE = "to be made"
    TO_REPLACE = "to be replaced"
    REMOVED = "removed"
    TO_REMOVE = "to be removed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing, and what came of it."""

    what: str
    done: Done


@dataclass(frozen=True, slots=True)
class Administrator:
    """Sends calls with an administrator's keys."""

    s3: S3
    keys: Credentials

    async def send(self, call: Call) -> Reply:
        """Send a call.  Raises StoreUnavailable, StoreRefused."""
        return await self.s3.send(self.keys, call)

    async def close(self) -> None:
        """Close all connections."""
        await self.s3.close()


async def install(
    administrator: Administrator,
    api: CeilingApi | None,
    bucket: Bucket | None,
    policies: Mapping[str, str],
    *,
    dry_run: bool = False,
) -> list[Step]:
    """Install a bucket and policies, as text by name.  Raises StoreUnavailable, StoreRefused."""
    steps = [] if bucket is None else [await _bucket(administrator, bucket, dry_run=dry_run)]
    if not policies:
        return steps
    if api is None:
        raise StoreRefused("This kind of store has no interface for policies that is known here.")
    keeper = CannedPolicies(administrator) if api is CeilingApi.CANNED else IamPolicies(administrator)
    there = set(await keeper.names())
    for name, text in policies.items():
        if not dry_run:
            await keeper.put(name, text)
        made, replaced = (Done.TO_MAKE, Done.TO_REPLACE) if dry_run else (Done.MADE, Done.REPLACED)
        steps.append(Step(f"policy {name}", replaced if name in there else made))
    return steps


async def take_over(
    administrator: Administrator, api: CeilingApi | None, prefix: str, *, dry_run: bool = False
) -> list[Step]:
    """Remove every state's claim on a prefix: the first gateway of that prefix to look makes its own.

    Raises StoreUnavailable, StoreRefused.
    """
    if api is None:
        return []
    keeper = CannedPolicies(administrator) if api is CeilingApi.CANNED else IamPolicies(administrator)
    claims = sorted(Names(prefix).markers(await keeper.names()))
    if not dry_run:
        for name in claims:
            await keeper.remove(name)
    return [Step(f"claim {name}", Done.TO_REMOVE if dry_run else Done.REMOVED) for name in claims]


async def _bucket(administrator: Administrator, bucket: Bucket, *, dry_run: bool) -> Step:
    what = f"bucket {bucket}"
    found = await administrator.send(Call("HEAD", path_of(bucket)))
    if found.fine:
        return Step(what, Done.THERE)
    if found.status != 404:
        require(found, "show a bucket", found.code)
    if not dry_run:
        made = await administrator.send(Call("PUT", path_of(bucket)))
        require(made, "make a bucket", made.code)
    return Step(what, Done.TO_MAKE if dry_run else Done.MADE)
