"""Make a new user's homes visible: a marker object in each, since S3 has no empty folders and file browsers want one.

Written with the user's own keys, so the gateway needs no right of its own for it.  What goes wrong is logged and
tried again at the user's next lease; it never keeps anybody from their keys.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import structlog

from vendor.errors import VendError
from vendor.leases.lease import Issued, LeaseId
from vendor.names import UserName
from vendor.policy.grant import Grant
from vendor.policy.layout import Layout
from vendor.stores.objects import Objects

MARKER: Final = ".s3keep"
SECONDS: Final = 3.0
REMEMBERED: Final = 50_000

_log = structlog.get_logger(__name__)


class Homes:
    """Remembers, within one process, whose homes have their markers."""

    def __init__(self, layout: Layout, objects: Mapping[str, Objects]) -> None:
        self._layout = layout
        self._objects = objects
        self._done: OrderedDict[tuple[str, UserName], LeaseId | None] = OrderedDict()  # the lease of a try that failed

    async def prepare(self, issued: Issued) -> None:
        """Write the markers that are missing in the homes that this lease may write to.  Never raises a VendError."""
        owner = (issued.lease.store, issued.lease.principal)
        homes = [home for home in self._layout.home_grants(issued.lease.principal) if _may(issued, home)]
        if self._done.get(owner, "") in (None, issued.lease.id) or not homes:
            return
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.gather(*(self._mark(issued, home) for home in homes))
        except (VendError, TimeoutError) as problem:
            _log.warning("home not prepared", user=issued.lease.principal, problem=type(problem).__name__)
            self._done[owner] = issued.lease.id
        else:
            self._done[owner] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    async def _mark(self, issued: Issued, home: Grant) -> None:
        objects = self._objects[issued.lease.store]
        await objects.put_new(issued.credentials, home.bucket, home.prefix + MARKER, b"")


def _may(issued: Issued, home: Grant) -> bool:
    return any(
        grant.covers_object(home.bucket, home.prefix + MARKER, home.level)
        for granted in issued.lease.scope
        for grant in granted.grants
    )
