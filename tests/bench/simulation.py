"""A gateway's clients over hours, on a simulated clock: when they ask, and when that costs a call to the store.

Clients ask as AWS SDKs do: at each call they make when their keys end within a quarter of an hour (botocore's advisory
refresh).  The gateway answers by its own rules, `Live.is_fresh` and `reported_end`.
"""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from vendor.leases.lease import LeaseId
from vendor.leases.live import Live
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials

ADVISORY: Final = 900.0  # seconds before the end at which SDKs ask anew
HOUR: Final = 3600
BETWEEN: Final = 55.0  # seconds at most between two calls of one client to the store


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it."""

    leases: int
    refreshes: int
    sts_calls: int
    lifetimes: int
    due: int
    most_in_a_second: int

    @property
    def calls_per_lifetime(self) -> float:
        """STS calls for each lease and each time its keys could have lived to their end."""
        return self.sts_calls / (self.leases * self.lifetimes)

    @property
    def calls_per_due(self) -> float:
        """STS calls for each lease and each time that an SDK wants other keys than it has: 1 is the least there is."""
        return self.sts_calls / self.due

    @property
    def calls_per_1000(self) -> float:
        """STS calls for a thousand asks of clients."""
        return 1000 * self.sts_calls / self.refreshes


@dataclass
class Storm:
    """Clients that all begin within a minute, for as long as keys of `lifetime` seconds live `lifetimes` times."""

    clients: int
    per_lease: int
    lifetimes: int
    seed: int
    lifetime: int = HOUR
    begin_within: float = 60.0
    _live: dict[int, Live] = field(default_factory=dict)

    def run(self) -> Found:
        """Let the time pass."""
        chance = random.Random(self.seed)
        ends = self.lifetimes * self.lifetime
        turns = [(chance.uniform(0, self.begin_within), number) for number in range(self.clients)]
        heapq.heapify(turns)
        asked, due, calls = 0, 0, Counter[int]()
        while turns[0][0] < ends:
            now, client = heapq.heappop(turns)
            asked += 1
            due += client % self.per_lease == 0
            live = self._answer(client // self.per_lease, now, calls)
            # At the first call to the store after the keys' last quarter of an hour began.
            heapq.heappush(turns, (live.reported_end - ADVISORY + chance.uniform(0, BETWEEN), client))
        return Found(len(self._live), asked, calls.total(), self.lifetimes, due, max(calls.values()))

    def _answer(self, lease: int, now: float, calls: Counter[int]) -> Live:
        live = self._live.get(lease)
        if live is None or not live.is_fresh(None, now):
            calls[int(now)] += 1
            live = self._live[lease] = _keys(lease, now, self.lifetime)
        return live


def _keys(lease: int, now: float, lifetime: int) -> Live:
    keys = Credentials("simulated", SecretKey("simulated"), SessionToken("simulated"), now + lifetime)
    return Live(
        lease=LeaseId(f"l_{lease}"),
        store="default",
        renewals=0,
        asked=None,
        issued_at=now,
        expires_at=now + lifetime,
        revision="",
        digest="",
        credentials=keys,
    )
