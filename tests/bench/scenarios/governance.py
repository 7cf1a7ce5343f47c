"""(f) Governance: what a change costs with its event durable, what a look costs, and how that goes with replicas."""

from collections.abc import Iterator, Mapping
from functools import partial

import httpx2

from tests.bench.figures import Case, Goal, Row
from tests.bench.site import Site
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.operate.bench.load import NUMBER, Outcome, json_request, request

NAME = "governance"
FOLDER = "s3a://cdm-lake/users-general-warehouse/alice/bench"
MEMBER = "/v1/tenants/hydro/members/bob"
MANY = {True: 25, False: 200}
"""Shares of other paths, quick and full."""
AT_ONCE, ROUNDS = 300, 8
"""Shares of a load and rounds; nobody can share more than 10,000 paths, which a number of seconds might come to."""


def measure(site: Site) -> Iterator[Row]:
    """Changes one after the other; then at once, through one replica and through two."""
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
    yield from _replicas(site)
    yield from _looks(site, url, stack.tokens["alice"])


def _replicas(site: Site) -> list[Row]:
    stack = site.stack(JUICEFS)
    urls = [stack.gateway.url, site.second_gateway(JUICEFS).url]
    sent = {url: [_post(url, stack.tokens["alice"], "/v1/shares", _share(NUMBER.decode()))] for url in urls}

    def one() -> Mapping[str, float]:
        return _load(site, urls[0], sent[urls[0]], 8, AT_ONCE)

    def two() -> Mapping[str, float]:
        return _sum(site.loads([(url, sent[url]) for url in urls], connections=4, most=AT_ONCE // 2))

    found = site.alternate({"one": one, "two": two}, rounds=ROUNDS)
    return Case(NAME, "share/two-replicas-over-one").rows(found, measured="two", baseline="one", figures=["per_second"])


def _looks(site: Site, url: str, token: str) -> Iterator[Row]:
    """Look at who can read a path, before and after its owner has shared much else."""
    look = request(url, "GET", f"/v1/who-can?path={FOLDER}/few/", authorization=f"Bearer {token}")
    with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=30) as web:
        web.post("/v1/shares", json=_share("few")).raise_for_status()
        before = [_load(site, url, [look], 1)["p50_ms"] for _ in range(site.rounds)]
        for number in range(MANY[site.quick]):
            web.post("/v1/shares", json=_share(f"many/{number}")).raise_for_status()
    after = [_load(site, url, [look], 1)["p50_ms"] for _ in range(site.rounds)]
    goals = [Goal("measured", at_most=5.0), Goal("ratio", at_most=1.5)]
    yield Case(NAME, f"who-can/{MANY[site.quick]}-more-shares").row("p50_ms", *after, baseline=before, goals=goals)


def _load(site: Site, url: str, sent: list[bytes], connections: int, most: int | None = None) -> Mapping[str, float]:
    return site.load(url, sent, connections=connections, most=most).figures()


def _sum(outcomes: list[Outcome]) -> Mapping[str, float]:
    return {"per_second": sum(outcome.per_second for outcome in outcomes)}


def _share(name: str) -> dict[str, object]:
    return {"path": f"{FOLDER}/{name}/", "with": {"users": ["bob"]}, "access": "read"}


def _post(url: str, token: str, path: str, body: object) -> bytes:
    return json_request(url, path, body, token)


def _put(url: str, token: str, level: str) -> bytes:
    body = f'{{"access":"{level}"}}'.encode()
    return request(url, "PUT", MEMBER, body=body, authorization=f"Bearer {token}")
