"""The MMS-compatible API beside what the MinIO Manager Service was measured at, on SeaweedFS as it was there.

People come with KBase tokens, which a stand-in knows, and all belong to one tenant.  There are 50 users and ten other
tenants, as there; a second gateway has the same and many more around it, to see what depends on how many there are.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import redis

from tests.bench import mms_measured as theirs
from tests.bench.figures import Case, Goal, Row
from tests.bench.kbase import ADMIN, started, token_of
from tests.bench.mms_state import ALONE, EVERYBODY, PATH, TEAM, state
from tests.bench.rounds import Side, Steady
from tests.bench.site import Site
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.web import client
from vendor.operate.bench.load import NUMBER, Load, Outcome, Refused, request

NAME: Final = "mms"
NEW_USER: Final = "new-user"
MORE: Final = {True: 500, False: 10_000}
"""Further users, quick and full."""
CHANGES: Final = {True: 10, False: 40}
WRITTEN: Final = {True: 2, False: 5}
"""Changes for which the store has to write what limits live keys."""
NEW: Final = 6
"""New users of a round who come one at a time; few, since the store takes the longer to write the more it knows."""
AT_ONCE: Final = 16
HOLDERS: Final = [f"user{number}" for number in range(10, 10 + AT_ONCE)]
"""Users who have keys."""
CHANGED, HOLDER = "user40", "user30"
"""With whom paths are shared: somebody without keys, and somebody with."""
LOOKS: Final = 20
"""Rounds in which the gateways with few and with many users are compared."""
QUICK: Final = Goal("measured", at_most=5.0)
_SECONDS: Final = {True: 0.25, False: 0.4}


def measure(site: Site) -> Iterator[Row]:
    """Start both gateways, measure each call in each round, and take them down again."""
    with ExitStack() as closing:
        trust = closing.enter_context(started(site.stack(SEAWEEDFS)))
        few, many = (_opened(site, closing, trust, f"mms-{more}", more) for more in (0, MORE[site.quick]))
        unlimited = _opened(site, closing, trust, "mms-unlimited", 0, VENDOR_STORE_OPERATOR_POLICY="")
        few.send([few.ask(user, "GET", "/credentials/") for user in (*HOLDERS, HOLDER)], 4)
        sides = _sides(few, unlimited)
        for name, warm in sides.items():
            if not name.startswith(NEW_USER):  # they leave more and more behind
                warm()
        found = site.alternate(sides)
        # By themselves, so that both are asked right after each other: there is nothing else between that is busy.
        who = {name: partial(place.load, [place.who()], 1) for name, place in (("few", few), ("many", many))}
        looks = site.alternate(who, Steady("many", "few", "p50_ms"), rounds=LOOKS)
    yield from _rows(found)
    goals = {"p50_ms": [Goal("ratio", at_most=1.5), QUICK]}
    case = Case(NAME, "access-info/many-over-few")
    yield from case.rows(looks, measured="many", baseline="few", figures=["p50_ms"], goals=goals)


def _sides(few: "_Place", unlimited: "_Place") -> dict[str, Side]:
    kept = [few.ask(user, "GET", "/credentials/") for user in HOLDERS]
    me = [few.ask(HOLDERS[0], "GET", "/workspaces/me")]
    return {
        "credentials/c1": partial(few.load, kept, 1),
        f"credentials/c{AT_ONCE}": partial(few.load, kept, AT_ONCE),
        f"{NEW_USER}/c1": partial(few.newcomers, 1, NEW),
        f"{NEW_USER}/c{AT_ONCE}": partial(few.newcomers, AT_ONCE, AT_ONCE),
        f"{NEW_USER}-without-ceiling/c1": partial(unlimited.newcomers, 1, NEW),
        f"{NEW_USER}-without-ceiling/c{AT_ONCE}": partial(unlimited.newcomers, AT_ONCE, 2 * AT_ONCE),
        "share": partial(few.shares, CHANGED, CHANGES[few.site.quick]),
        "share-with-live-keys": partial(few.shares, HOLDER, WRITTEN[few.site.quick]),
        "member": few.members,
        "workspaces-me": partial(few.load, me, 1),
        "access-info": partial(few.load, [few.who()], 1),
    }


def _rows(found: Mapping[str, list[Mapping[str, float]]]) -> Iterator[Row]:
    fast = [Goal("measured", at_most=4.0)]
    more, sooner = [Goal("ratio", at_least=10.0)], [Goal("ratio", at_most=0.1)]
    at_once = f"credentials/c{AT_ONCE}"
    beside: list[tuple[str, str, float, list[Goal]]] = [
        ("credentials/c1", "p50_ms", theirs.CREDENTIALS_P50_MS, []),
        (at_once, "per_second", theirs.CREDENTIALS_PER_SECOND, more),
        (at_once, "p50_ms", theirs.CREDENTIALS_16_P50_MS, []),
        (f"{NEW_USER}/c1", "p50_ms", theirs.NEW_USER_P50_MS, sooner),
        (f"{NEW_USER}/c{AT_ONCE}", "per_second", theirs.NEW_USERS_PER_SECOND, more),
        (f"{NEW_USER}-without-ceiling/c1", "p50_ms", theirs.NEW_USER_P50_MS, sooner),
        (f"{NEW_USER}-without-ceiling/c{AT_ONCE}", "per_second", theirs.NEW_USERS_PER_SECOND, more),
        ("share", "share_p50_ms", theirs.SHARE_P50_MS, fast),
        ("share", "unshare_p50_ms", theirs.UNSHARE_P50_MS, fast),
        ("share-with-live-keys", "share_p50_ms", theirs.SHARE_P50_MS, []),
        ("share-with-live-keys", "unshare_p50_ms", theirs.UNSHARE_P50_MS, []),
        ("member", "add_p50_ms", theirs.ADD_MEMBER_P50_MS, fast),
        ("member", "remove_p50_ms", theirs.REMOVE_MEMBER_P50_MS, fast),
        ("workspaces-me", "p50_ms", theirs.WORKSPACES_ME_P50_MS, []),
        ("access-info", "p50_ms", theirs.ACCESS_INFO_P50_MS, [QUICK]),
    ]
    for case, figure, baseline, goals in beside:
        values = tuple(one[figure] for one in found[case])
        yield Row(NAME, case, figure, values, (baseline,) * len(values), tuple(goals), fixed=True)


def _opened(site: Site, closing: ExitStack, trust: Path, name: str, more: int, **settings: str) -> "_Place":
    """Start a gateway with a state of its own."""
    stack = site.stack(SEAWEEDFS)
    gateway = stack.add_gateway(
        f"gateway-{name}",
        VENDOR_TRUST_FILE=str(trust),
        VENDOR_REDIS_PREFIX=name,
        VENDOR_DEFAULT_TENANT=EVERYBODY,
        **settings,
    )
    closing.callback(gateway.child.stop)
    with client(gateway.url, token=token_of(ADMIN)) as web:
        web.timeout = 120
        lines = {"content-type": "application/x-ndjson"}
        web.put("/v1/state", content=b"".join(state(more)), headers=lines).raise_for_status()
    return _Place(site, gateway.url, stack.valkey.url, f"{{{name}}}:audit")


@dataclass(frozen=True, slots=True)
class _Place:
    """A gateway, and where its events are."""

    site: Site
    url: str
    redis: str
    stream: str

    def ask(self, user: str, method: str, path: str, content: object = None) -> bytes:
        """Return a request of a user's."""
        body = b"" if content is None else json.dumps(content, separators=(",", ":")).encode()
        return request(self.url, method, path, body=body, authorization=f"Bearer {token_of(user)}")

    def load(self, asks: list[bytes], connections: int) -> Mapping[str, float]:
        """Ask for as long as a load lasts."""
        load = Load(self.url, asks, connections, _SECONDS[self.site.quick], first_number=self.site.first_number())
        return self.site.generator(load).figures()

    def send(self, asks: list[bytes], connections: int, most: int | None = None, first: int | None = None) -> Outcome:
        """Send so many requests."""
        first = self.site.first_number() if first is None else first
        return self.site.generator(Load(self.url, asks, connections, 60.0, most=most or len(asks), first_number=first))

    def newcomers(self, connections: int, count: int) -> Mapping[str, float]:
        """Have users come by whom nobody has seen before."""
        return self.send([self.ask(f"new{NUMBER.decode()}", "GET", "/credentials/")], connections, count).figures()

    def shares(self, user: str, count: int) -> Mapping[str, float]:
        """Share paths with somebody, then take all of that back, one after the other."""
        path = f"{PATH}/{NUMBER.decode()}/"
        share = self.ask(ALONE, "POST", "/sharing/share", {"path": path, "with_users": [user]})
        unshare = self.ask(ALONE, "POST", "/sharing/unshare", {"path": path, "from_users": [user]})
        return self._both(count, ("share_p50_ms", share), ("unshare_p50_ms", unshare))

    def members(self) -> Mapping[str, float]:
        """Make people members of a tenant, then end that."""
        path = f"/tenants/{TEAM}/members/person{NUMBER.decode()}"
        add, remove = (self.ask(ADMIN, method, path) for method in ("POST", "DELETE"))
        return self._both(CHANGES[self.site.quick], ("add_p50_ms", add), ("remove_p50_ms", remove), first=0)

    def who(self) -> bytes:
        """Return what asks who reaches a path."""
        return self.ask(ALONE, "POST", "/sharing/get_path_access_info", {"path": f"{PATH}/shared/"})

    def _both(self, count: int, *changes: tuple[str, bytes], first: int | None = None) -> Mapping[str, float]:
        first = self.site.first_number() if first is None else first
        before = self._events()
        found = {name: self.send([asked], 1, count, first).percentile(50) for name, asked in changes}
        if self._events() - before < count * len(changes):
            raise Refused("a change was answered whose event is not there")
        return found

    def _events(self) -> int:
        with redis.Redis.from_url(self.redis, socket_timeout=5) as server:
            return int(server.xlen(self.stream))
