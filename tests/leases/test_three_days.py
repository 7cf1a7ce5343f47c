"""A job of three days, on a clock of its own: governance in a real Valkey, an identity provider for the sign-in,
the gateway's own issuer with its rotating keys, and calls for keys over HTTP.

Only the store behind its STS endpoint is simulated, because no store lives on a clock that can be pushed: it checks
signature, audience and time of every token against the keys that are published at that moment, as MinIO does.
"""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from aiohttp import web

from tests.stores.test_xml import answer
from tests.support.callers import caller
from tests.support.house import KBASE, Time
from tests.support.issuer import TinyIssuer, tiny_issuer
from tests.support.shop import KBASE_DATA, Shop, ask
from vendor.audit.event import Origin
from vendor.errors import IdentityProviderUnavailable, LeaseEnded
from vendor.identity.authenticator import Authenticator, open_authenticator
from vendor.identity.issuer import OwnIssuer
from vendor.identity.keyring import rotate_keyring
from vendor.leases.duration import DurationRules
from vendor.leases.lease import Issued
from vendor.leases.renewing import Renewing
from vendor.leases.vending import Vending
from vendor.names import UserName
from vendor.policy.grant import Level
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller
from vendor.stores.profile import PROFILES, StoreKind
from vendor.stores.store import Store, StoreSettings
from vendor.times import rfc3339

HOUR = 3600
DAY = 24 * HOUR
URL = "https://vendor.example.org"
HOME = "s3://cdm-lake/users-general-warehouse/bob/"
CAROL = caller("carol", admin=True)
ORIGIN = Origin(request_id="r_job", door="api")
TRUST = """\
version = 1
[[issuer]]
name = "lab"
url = "{url}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["plain-access"]
require = [{{ claim = "use", equals = "access" }}]
any_client = true
refresh_seconds = 10
max_token_seconds = 600

[[issuer.rule]]
name = "people"
"""


@dataclass
class Edge:
    """The STS endpoint of a store that takes the gateway's tokens."""

    issuer: OwnIssuer
    clock: Time
    kids: list[str] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    async def sts(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        token = form["WebIdentityToken"]
        kid = jwt.get_unverified_header(token)["kid"]
        keys: Any = self.issuer.jwks()["keys"]
        published = {key["kid"]: jwt.PyJWK(key).key for key in keys}
        claims = jwt.decode(token, published[kid], algorithms=["ES256"], audience="vendor", issuer=URL,
                            options={"verify_exp": False, "verify_iat": False})  # fmt: skip
        if not claims["iat"] - 5 <= self.clock.now < claims["exp"]:
            return web.Response(status=400, text="<Error><Code>ExpiredToken</Code></Error>")
        self.kids.append(kid)
        self.policies.append(json.loads(form["Policy"]))
        self.ends.append(float(claims["exp"]))
        return web.Response(body=answer(Expiration=rfc3339(claims["exp"])), content_type="text/xml")


@contextlib.asynccontextmanager
async def listening(edge: Edge) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", edge.sts)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@dataclass
class Job:
    """A job that renews its lease a little before its keys end, as clients do."""

    shop: Shop
    renewing: Renewing
    first: Issued
    scopes: list[int] = field(default_factory=list)
    now: Issued | None = None

    async def goes_on_until(self, end: float) -> None:
        """Let time pass and renew, until `end`.  Raises what a renewal raises."""
        clock = self.shop.house.clock
        current = self.now or self.first
        assert self.first.token is not None
        token = RawToken(self.first.token.reveal())
        while clock.now < end:
            clock.now = min(max(current.lease.refresh_after, clock.now + 60), end)
            assert clock.now < current.lease.expires_at, "there is never a moment without keys"
            current = self.now = await self.renewing.renew(token, ORIGIN)
            self.scopes.append(len(current.lease.scope))


def opened(trust: Path) -> Authenticator:
    """The sign-in happens in real time, which the provider's tokens are made for."""
    return open_authenticator(trust_file=trust, own_issuer_url=URL, clock=time.time)


async def signed_in(door: Authenticator, idp: TinyIssuer) -> Caller:
    principal = await door.authenticate(RawToken(idp.sign(sub="bob", use="access")))
    return Caller(principal, ORIGIN)


async def test_three_days(shop: Shop, tmp_path: Path) -> None:
    """Through rotations of the issuer's keys, an outage of the identity provider and a lost membership, to the end."""
    clock = shop.house.clock
    steady = Time(0.0)
    ring = tmp_path / "keys"
    issuer = OwnIssuer.open(url=URL, keys_folder=ring, key_pem=None, clock=clock, monotonic=steady)
    edge = Edge(issuer, clock)
    start = clock.now
    async with listening(edge) as endpoint, contextlib.AsyncExitStack() as closing:
        profile = PROFILES[StoreKind.MINIO]
        settings = StoreSettings("default", profile, endpoint, endpoint, "us-east-1", "vendor", policy="vendor-lease")
        store = Store(settings, issuer.sign, clock)
        closing.push_async_callback(store.close)
        making = replace(shop.vending.making, stores={"default": store}, durations=DurationRules(HOUR, 900, 12 * HOUR))
        vending = Vending(making, shop.house.users, shop.house.trail, shop.vending.register, 3 * DAY)

        trust = tmp_path / "trust.toml"
        with tiny_issuer() as idp:
            trust.write_text(TRUST.format(url=idp.url))
            door = await closing.enter_async_context(opened(trust))
            who = await signed_in(door, idp)
            wish = ask((KBASE_DATA, Level.READ), (HOME, Level.WRITE), renewable_for=3 * DAY)
            first = await vending.vend(who, wish)
        # From here on the identity provider is away: nobody new gets in, and the job does not need it.
        fresh = await closing.enter_async_context(opened(trust))
        with pytest.raises(IdentityProviderUnavailable):
            await signed_in(fresh, idp)
        job = Job(
            shop, Renewing(making, shop.house.users, shop.house.trail, vending.register, trust=fresh.trust), first
        )

        for hour in range(8, 48, 8):  # the keys that sign for the store change five times
            await job.goes_on_until(start + hour * HOUR)
            rotate_keyring(ring, now=clock.now, lead_seconds=600, keep_seconds=2 * HOUR)
            steady.now += 10
        await job.goes_on_until(start + 50 * HOUR)
        before = len(job.scopes)
        await shop.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)
        await job.goes_on_until(start + 60 * HOUR)
        with pytest.raises(LeaseEnded):
            await job.goes_on_until(start + 4 * DAY)

        assert set(job.scopes[:before]) == {2}
        assert set(job.scopes[before:]) == {1}
        assert "kbase" in json.dumps(edge.policies[before])
        assert all("kbase" not in json.dumps(policy) for policy in edge.policies[before + 1 :])
        assert len(set(edge.kids)) == 6, "all of the keys were used, each after the store could know it"
        assert max(edge.ends) <= start + 3 * DAY
        assert start + 3 * DAY - 900 <= clock.now <= start + 3 * DAY, "the hard limit, less what the shortest keys last"
        kinds = [event["kind"] for event in await shop.events()]
        assert kinds[0] == "vend.issued"
        assert kinds.count("vend.renewed") == len(job.scopes) > 70
        assert kinds[-1] == "vend.denied"
