"""Where a probe may write, and how it leaves no trace.

All objects lie in the home of `vendor-probe`, a name that no user can have, under a folder per run whose name begins
with the time.  A run removes its folder at its end, and whatever a killed run left there an hour or more ago.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from vendor.errors import StoreRefused
from vendor.names import PROBE_USER, Bucket, Prefix, TenantName
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout
from vendor.stores.credentials import Credentials
from vendor.stores.s3 import S3, Call, path_of
from vendor.stores.xml import parse_keys

SOURCE: Final = Source("probe")
OBJECT: Final = "hello"
BODY: Final = b"vendor probe"
STALE_SECONDS: Final = 3600.0
_TENANT: Final = TenantName("vendorprobe")
_STAMP: Final = "%Y%m%dt%H%M%Sz"
_RUN: Final = re.compile(r"(\d{8}t\d{6}z)-[0-9a-f]{8}/", re.ASCII)
_MOST_PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Ground:
    """The places of one run.  `mine` is what the keys under test are for; nothing else may open to them."""

    bucket: Bucket
    home: Prefix
    run: str
    foreign_tenant: Prefix
    session: str
    """Names the keys of this run in the store's own log, as a lease id does."""

    @classmethod
    def choose(cls, layout: Layout, now: float, run: str | None = None) -> Self:
        """Choose the places of a new run, or of a run that always uses the same ones."""
        home = next(iter(layout.homes.values()))
        tenant = next(iter(layout.tenants.values()))
        session = secrets.token_hex(4)
        stamp = datetime.fromtimestamp(now, UTC).strftime(_STAMP)
        return cls(
            bucket=home.bucket,
            home=home.prefix(PROBE_USER),
            run=run or f"{stamp}-{session}",
            foreign_tenant=tenant.prefix(_TENANT),
            session=f"probe-{session}",
        )

    @property
    def root(self) -> Prefix:
        """The folder of this run."""
        return Prefix(f"{self.home}{self.run}/")

    @property
    def mine(self) -> Prefix:
        """What the keys are for."""
        return Prefix(f"{self.root}mine/")

    @property
    def sibling(self) -> Prefix:
        """Begins like `mine`, and is not."""
        return Prefix(f"{self.root}mine2/")

    @property
    def other_case(self) -> Prefix:
        """Is `mine` to whoever does not look at case."""
        return Prefix(f"{self.root}MINE/")

    @property
    def theirs(self) -> Prefix:
        """Somebody else's.  Sorts before `mine`, as `sibling` sorts after it: see `listing.repeated`."""
        return Prefix(f"{self.root}another/")

    @property
    def planted(self) -> tuple[str, ...]:
        """The keys of the objects that exist while the checks run."""
        return tuple(folder + OBJECT for folder in (self.mine, self.sibling, self.other_case, self.theirs))

    def grant(self, level: Level = Level.WRITE) -> Grant:
        """The one grant of the keys under test."""
        return Grant(self.bucket, self.mine, level, SOURCE)

    def keeper_grant(self) -> Grant:
        """The grant of the keys that plant and tidy."""
        return Grant(self.bucket, self.home, Level.WRITE, SOURCE)


async def plant(s3: S3, keeper: Credentials, ground: Ground) -> None:
    """Write the objects.  Raises StoreRefused, StoreUnavailable."""
    for key in ground.planted:
        reply = await s3.send(keeper, Call("PUT", path_of(ground.bucket, key), body=BODY))
        if not reply.fine:
            raise StoreRefused(f"The probe may not write into its own folder ({reply.short}).")


async def tidy(s3: S3, keeper: Credentials, ground: Ground, now: float) -> list[str]:
    """Remove everything of this run and of runs that were killed, and return what would not go."""
    tried: list[str] = []
    for _ in range(_MOST_PAGES):
        listed = await _page(s3, keeper, ground)
        ours = [key for key in listed if key.startswith(ground.root) or _is_stale(key.removeprefix(ground.home), now)]
        if not ours or ours == tried:
            return ours
        for key in ours:
            await s3.send(keeper, Call("DELETE", path_of(ground.bucket, key)))
        tried = ours
    return tried


async def _page(s3: S3, keeper: Credentials, ground: Ground) -> list[str]:
    """List the first page of the home, which holds little; what many killed runs left goes page by page."""
    query = (("list-type", "2"), ("prefix", str(ground.home)))
    reply = await s3.send(keeper, Call("GET", path_of(ground.bucket), query))
    keys = parse_keys(reply.body) if reply.fine else None
    if keys is None:
        raise StoreRefused(f"The probe may not list its own folder ({reply.short}).")
    return keys


def _is_stale(rest: str, now: float) -> bool:
    run = _RUN.match(rest)
    if run is None:
        return False
    began = datetime.strptime(run[1], _STAMP).replace(tzinfo=UTC).timestamp()
    return now - began > STALE_SECONDS
