"""The leases that a measurement began, and ending them: also those of which it never heard."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from vendor.client import live
from vendor.client.errors import BadAnswer, ClientError, GatewayError, SignInNeeded
from vendor.client.paging import all_pages
from vendor.client.sync import Client

CONTEXT: Final = "vendor-bench"
"""Under which name the audit context of every such lease has the mark of its measurement."""
_TRIES: Final = 2  # to end a lease
_LOOKS: Final = 20  # for leases that the gateway is still making for an ask that broke off
_BETWEEN_LOOKS: Final = 1.0  # seconds


def leases(count: int) -> str:
    """Return so many leases in words."""
    return f"{count} lease{'' if count == 1 else 's'}"


@dataclass
class Begun:
    """What has to be ended.  Set `lost` where a lease may have been made whose answer never came.

    `hurry` says whether somebody no longer wants to wait for it.
    """

    client: Client
    at_once: int
    tell: Callable[[str], None]
    hurry: Callable[[], bool]
    known: list[str] = field(default_factory=list)
    lost: bool = False
    mark: str = field(default_factory=lambda: secrets.token_hex(6))
    why: str = ""  # the last one could not be ended
    _silent: bool = False

    def end(self) -> list[str]:
        """End all; return those that could not be."""
        if self.known:
            self.tell(f"Ending {leases(len(self.known))}.")
        left = self._ended(self.known)
        if not self.lost:
            return left
        try:
            return self._end_lost()
        except ClientError as problem:
            if self.known or not isinstance(problem, BadAnswer):  # else there is no gateway, which gave none
                self.tell(f"Leases whose answers were lost cannot be looked for. {self._marked()}")
            return left

    def _end_lost(self) -> list[str]:
        """Look until there are none any more, which takes two looks at least.  Raises ClientError."""
        found: list[str] = []
        for look in range(_LOOKS):
            if self.hurry():
                self.tell(f"Not looked for to the end. {self._marked()}")
                break
            if look:
                time.sleep(_BETWEEN_LOOKS)
            every = all_pages(self.client.run, lambda cursor: live.leases(cursor, state="live"))
            found = [one.id for one in every if str(one.audit_context.get(CONTEXT, "")).startswith(self.mark)]
            if not found and look:
                break
            if found:
                self.tell(f"Ending {leases(len(found))} whose answers were lost.")
            found = self._ended(found)
        return found

    def _marked(self) -> str:
        return f"They run out by themselves; 'vend leases --json' shows them with {CONTEXT}: {self.mark}-…"

    def _ended(self, ids: Sequence[str]) -> list[str]:
        """End these, so many at once, and return those that could not be."""
        left = list(ids)
        for _ in range(_TRIES):
            if left:
                with ThreadPoolExecutor(self.at_once) as pool:
                    gone = list(pool.map(self._end, left))
                left = [lease for lease, ended in zip(left, gone, strict=True) if not ended]
        return left

    def _end(self, lease: str) -> bool:
        """End one.  A gateway that did not answer for one is not asked for the others: each would be waited for."""
        if self._silent or self.hurry():
            return False
        try:
            self.client.revoke(lease)
        except ClientError as problem:
            self.why = str(problem)
            self._silent = not isinstance(problem, GatewayError | SignInNeeded)
            return False
        return True
