"""The store's own STS call, as the gateway makes it, for baselines: signed beforehand, and sent without the gateway."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.parts import POLICIES
from vendor.dev.gateway import Gateway
from vendor.identity.issuer import OwnIssuer
from vendor.leases.lease import new_lease_id
from vendor.names import parse_s3_path
from vendor.operate.bench.load import Outcome, request
from vendor.policy.access import load_access
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.planner import plan_session_policy
from vendor.settings import load
from vendor.stores.store import Order, Store
from vendor.stores.wire import FORM, Wire, encoded

SECONDS = 3600


@dataclass
class RawSts:
    """Makes the STS calls that a gateway would make for leases of one user."""

    gateway: Gateway
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        settings = load(self.gateway.settings)
        issuer = OwnIssuer.open(
            url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=time.time
        )
        self._store = Store(settings.store, issuer.sign, time.time)
        self._numbers = itertools.count()
        self.url = settings.store.sts_endpoint or settings.store.endpoint
        self.policy = self._policy()

    def requests(self, count: int) -> list[bytes]:
        """Return calls that all differ; they are good for a minute."""
        return [self._request() for _ in range(count)]

    def _policy(self) -> str:
        """Plan the policy that the gateway plans for the same user."""
        with httpx2.Client(base_url=self.gateway.url, trust_env=False, timeout=20) as web:
            answer = web.post("/v1/leases", json={}, headers={"authorization": f"Bearer {self.token}"})
        lease = answer.raise_for_status().json()["lease"]
        paths = [(parse_s3_path(entry["path"]), Level(entry["access"])) for entry in lease["scope"]]
        grants = [Grant(path.bucket, path.prefix, level, Source("home")) for path, level in paths]
        policy = plan_session_policy(grants, load_access(POLICIES / "access.toml"), self._store.profile.policy_limit)
        return policy.text

    def calls(self, count: int) -> list[tuple[str, Mapping[str, str]]]:
        """Return calls as the gateway's own client takes them: forms, and headers that sign them."""
        return [self._call() for _ in range(count)]

    def _call(self) -> tuple[str, Mapping[str, str]]:
        form = self._store.form(Order(new_lease_id(), "alice", self.policy, SECONDS))
        body = encoded(form)
        return body, self._signed(body.encode())

    def _request(self) -> bytes:
        body, headers = self._call()
        return request(self.url, "POST", "/", body=body.encode(), media=FORM, **headers)

    def _signed(self, body: bytes) -> Mapping[str, str]:
        key = self._store.settings.service_key
        if key is None:
            return {}
        asked = AWSRequest("POST", self.url.rstrip("/") + "/", {"content-type": FORM}, body)
        signer = SigV4Auth(Credentials(key.access_key_id, key.secret_key.reveal()), "sts", self._store.settings.region)
        signer.add_auth(asked)
        return {name: str(text) for name, text in asked.headers.items() if name.lower() != "content-type"}


@dataclass(frozen=True)
class WireLoad:
    """Load on a store through the gateway's own HTTP client, with nothing else of the gateway."""

    url: str
    calls: Sequence[tuple[str, Mapping[str, str]]] = field(repr=False)
    connections: int
    seconds: float


async def through_wire(load: WireLoad) -> Outcome:
    """Make it: `connections` calls at a time."""
    wire, calls, took = Wire(load.url), itertools.cycle(load.calls), list[float]()

    async def one() -> None:
        body, headers = next(calls)
        await wire.post(body, {"content-type": FORM, **headers})

    async def one_after_the_other() -> None:
        while (sent := time.perf_counter()) < began + load.seconds:
            await one()
            took.append((time.perf_counter() - sent) * 1000)

    try:
        await asyncio.gather(*(one() for _ in range(load.connections)))  # so that connections are open when time begins
        began = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(load.connections)))
    finally:
        await wire.close()
    return Outcome(time.perf_counter() - began, sorted(took), {200: len(took)})
