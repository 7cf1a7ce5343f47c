"""The leases that a measurement began, and ending them: also those of which it never heard."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from vendor.client import live
from vendor.client.errors import ClientError
from vendor.client.paging import all_pages
from vendor.client.sync import Client

CONTEXT: Final = "vendor-bench"
"""Under which name the audit context of every such lease has the mark of its measurement."""
_TRIES: Final = 2  # to end a lease
_LOOKS: Final = 20  # for leases that the gateway is still making for an ask that broke off
_BETWEEN_LOOKS: Final = 1.0  # seconds


@dataclass
class Begun:
    """What has to be ended.  Set `lost` where a lease may have been made whose answer never came."""

    client: Client
    at_once: int
    tell: Callable[[str], None]
    known: list[str] = field(default_factory=list)
    lost: bool = False
    mark: str = field(default_factory=lambda: secrets.token_hex(6))

    def end(self) -> list[str]:
        """End all; return those that could not be."""
        if self.known:
            self.tell(f"Ending {len(self.known)} lease{'' if len(self.known) == 1 else 's'}.")
        left = self._ended(self.known)
        if not self.lost:
            return left
        self.tell("Looking for leases whose answers were lost.")
        try:
            return self._end_lost()
        except ClientError:
            self.tell("They cannot be looked for; they run out by themselves.")
            return left

    def _end_lost(self) -> list[str]:
        """Look until there are none any more, which takes two looks at least.  Raises ClientError."""
        found: list[str] = []
        for look in range(_LOOKS):
            if look:
                time.sleep(_BETWEEN_LOOKS)
            every = all_pages(self.client.run, lambda cursor: live.leases(cursor, state="live"))
            found = [one.id for one in every if str(one.audit_context.get(CONTEXT, "")).startswith(self.mark)]
            if not found and look:
                break
            found = self._ended(found)
        return found

    def _ended(self, leases: Sequence[str]) -> list[str]:
        """End these, so many at once, and return those that could not be."""
        left = list(leases)
        for _ in range(_TRIES):
            with ThreadPoolExecutor(self.at_once) as pool:
                gone = list(pool.map(self._end, left))
            left = [lease for lease, ended in zip(left, gone, strict=True) if not ended]
        return left

    def _end(self, lease: str) -> bool:
        try:
            self.client.revoke(lease)
        except ClientError:
            return False
        return True
