"""(f) Governance: what a change costs with its event durable, what a look costs, and how that goes with replicas."""

from collections.abc import Iterator, Mapping
from functools import partial

import httpx2

from tests.bench.figures import Case, Goal, Row
from tests.bench.people import tokens
from tests.bench.rounds import Comparison, Steady
from tests.bench.site import Site
from tests.bench.turns import SELDOM, Turn
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.operate.bench.load import NUMBER, Outcome, json_request, request

NAME, REPLICAS = "governance", "replicas"
FOLDER = "s3a://cdm-lake/users-general-warehouse/alice/bench"
MEMBER = "/v1/tenants/hydro/members/bob"
MANY = {True: 25, False: 200}
"""Shares of other paths, quick and full."""
AT_ONCE, SHARING = 300, 8
"""Shares of a load, and who makes them at once; nobody can share more than 10,000 paths, as one might in seconds."""


def measure(site: Site) -> Iterator[Row]:
    """Changes, one after the other; then looks."""
    stack = site.stack(JUICEFS)
    url = stack.gateway.url
    asks = {
        "share": ("alice", [_post(url, stack.tokens["alice"], "/v1/shares", _share(NUMBER.decode()))]),
        "member": ("carol", [_put(url, stack.tokens["carol"], level) for level in ("read_only", "read_write")]),
    }
    for name, (_, sent) in asks.items():
        found = site.alternate({"vendor": partial(_load, site, url, sent, 1, AT_ONCE)})
        goals = {"p50_ms": (Goal("measured", at_most=4.0),)}
        yield from Case(NAME, name).rows(found, measured="vendor", goals=goals)
    yield from _looks(site, url, next(tokens(stack, "few", 1)), stack.tokens["alice"])


def replicas(site: Site) -> Iterator[Turn]:
    """Shares of many users at once, through one replica and two; no ratio, for Redis wants one of the cores, too."""
    stack = site.stack(JUICEFS)
    urls = [stack.gateway.url, site.second_gateway(JUICEFS).url]
    people = enumerate(tokens(stack, "bench", SHARING))
    sent = {url: list[bytes]() for url in urls}
    for number, token in people:
        folder = f"s3a://cdm-lake/users-general-warehouse/bench{number}/shared"
        for url, asks in sent.items():
            asks.append(_post(url, token, "/v1/shares", _share(NUMBER.decode(), folder)))

    def one() -> Mapping[str, float]:
        return _load(site, urls[0], sent[urls[0]], SHARING, AT_ONCE)

    def two() -> Mapping[str, float]:
        return _sum(site.loads([(url, sent[url]) for url in urls], connections=SHARING // 2, most=AT_ONCE // 2))

    for warm in (one, two):
        warm()
    rows = partial(
        Case(REPLICAS, "two-over-one").rows, measured="two", baseline="one", figures=["per_second"], beside=True
    )
    yield Turn(Comparison({"one": one, "two": two}, every=SELDOM), rows)


def _looks(site: Site, url: str, others: str, token: str) -> Iterator[Row]:
    """Look at who can read a path, in turn one whose owner shares just this and one whose owner shares much else."""
    people = {"few": (FOLDER.replace("/alice/", "/few0/"), others), "more": (FOLDER, token)}
    sides = {}
    for side, (folder, theirs) in people.items():
        look = request(url, "GET", f"/v1/who-can?path={folder}/few/", authorization=f"Bearer {theirs}")
        sides[side] = partial(_load, site, url, [look], 1)
        with httpx2.Client(base_url=url, headers=_bearer(theirs), trust_env=False, timeout=30) as web:
            web.post("/v1/shares", json=_share("few", folder)).raise_for_status()
            for number in range(MANY[site.quick] if side == "more" else 0):
                web.post("/v1/shares", json=_share(f"many/{number}", folder)).raise_for_status()
    found = site.alternate(sides, Steady("more", "few", "p50_ms"))
    goals = {"p50_ms": [Goal("measured", at_most=5.0), Goal("ratio", at_most=1.5)]}
    case = Case(NAME, f"who-can/{MANY[site.quick]}-more-shares")
    yield from case.rows(found, measured="more", baseline="few", figures=["p50_ms"], goals=goals)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _load(site: Site, url: str, sent: list[bytes], connections: int, most: int | None = None) -> Mapping[str, float]:
    return site.load(url, sent, connections=connections, most=most).figures()


def _sum(outcomes: list[Outcome]) -> Mapping[str, float]:
    return {"per_second": sum(outcome.per_second for outcome in outcomes)}


def _share(name: str, folder: str = FOLDER) -> dict[str, object]:
    return {"path": f"{folder}/{name}/", "with": {"users": ["bob"]}, "access": "read"}


def _post(url: str, token: str, path: str, body: object) -> bytes:
    return json_request(url, path, body, token)


def _put(url: str, token: str, level: str) -> bytes:
    body = f'{{"access":"{level}"}}'.encode()
    return request(url, "PUT", MEMBER, body=body, authorization=f"Bearer {token}")
