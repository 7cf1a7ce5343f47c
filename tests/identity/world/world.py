"""The world that the corpus of bad tokens lives in: who is trusted, which keys they have, and how a good token looks.

Every case differs from `good()` in one thing, so that a check which is turned off lets exactly its own cases through.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.identity.world.kbase import FakeKBase
from tests.identity.world.minting import Signer, ec_signer, ed_signer, rsa_signer
from tests.identity.world.provider import Provider, dripping, endless, serving, silent, status

OWN_ISSUER = "https://vendor.example.org"
LEEWAY = 10
LONGEST = 7200

# `URL` stands for the provider's address.  An issuer's path is its name.
TRUST = """\
version = 1

[[issuer]]
name = "main"
url = "URL/main"
audiences = ["vendor"]
tolerated_audiences = ["account"]
algorithms = ["RS256", "ES256"]
tokens = ["id"]
clients = ["vendor", "vend-cli"]
require = [{ claim = "tier", in = ["gold", "silver"] }]
roles = ["realm", "roles"]
groups = "groups"
required_roles = ["USER"]
admin_roles = ["ADMIN"]
leeway_seconds = 10
max_token_seconds = 7200

[[issuer.rule]]
name = "robot"
when = [{ claim = "sub", equals = "robot-7" }]
kind = "workload"
as = "nightly"

[[issuer.rule]]
name = "people"
when = [{ claim = "groups", contains = "lab" }]

[[issuer]]
name = "twin"
url = "URL/twin"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
prefix = "twin-"
groups = "groups"

[[issuer.rule]]
name = "all"

[[issuer]]
name = "api"
url = "URL/api"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["access"]
clients = ["vend-cli"]
joins = "main"

[[issuer.rule]]
name = "all"

[[issuer]]
name = "mail"
url = "URL/mail"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
user = "email"
prefix = "m-"

[[issuer.rule]]
name = "staff"
name_pattern = '([a-z0-9]+)@example\\.org'

[[issuer]]
name = "cluster"
url = "URL/cluster"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["workload"]
user = "sub"
prefix = "k8s-"

[[issuer.rule]]
name = "spark"
when = [{ claim = ["kubernetes.io", "namespace"], equals = "spark" }]
kind = "workload"
name_pattern = 'system:serviceaccount:([a-z0-9-]+):([a-z0-9-]+)'

[[issuer]]
name = "sure"
url = "URL/sure"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
prefix = "s-"

[issuer.profile]
tenants = ["kbase"]
principal_types = ["human", "service", "agent"]
assurance = "aal2"
mfa = true

[issuer.break_glass]
max_lease_seconds = 600

[[issuer.rule]]
name = "all"

[[issuer]]
name = "trial"
url = "URL/trial"
mode = "audit"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]

[[issuer.rule]]
name = "all"

[[issuer]]
name = "onekey"
url = "URL/onekey"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
prefix = "one-"

[[issuer.rule]]
name = "all"

[[kbase]]
name = "kbase"
url = "URL/kbase/"
joins = "main"
required_roles = ["BERDL_USER"]
admin_roles = ["KBASE_ADMIN", "CDM_JUPYTERHUB_ADMIN"]
require_mfa = true
token_types = ["Login", "Agent"]
timeout_seconds = 1
"""

# Providers that are broken in one way each; nobody ever gets in through them.
BROKEN = (
    "refuses-connections",
    "500",
    "429",
    "silent",
    "dripping",
    "redirects",
    "html",
    "huge",
    "no-keys",
    "only-foreign-keys",
    "101-keys",
    "10000-keys",
    "half",
    "compressed",
    "array",
    "duplicate-member",
    "other-issuer",
    "jwks-http",
    "jwks-elsewhere",
    "jwks-next-door",
    "jwks-metadata",
    "jwks-file-url",
)
_BROKEN_ENTRY = """
[[issuer]]
name = "b{position}"
url = "{url}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
prefix = "b{position}-"

[[issuer.rule]]
name = "all"
"""


class World:
    """The providers, their keys, and tokens of every kind."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.kbase = FakeKBase(provider)
        self.rsa: Signer = rsa_signer("rsa-1")
        self.ec: Signer = ec_signer("ec-1")
        self.other: Signer = ec_signer("other")
        self.weak: Signer = rsa_signer("weak", 1024)
        self.ed: Signer = ed_signer("ed-1")
        self.ps: Signer = Signer("rsa-ps", "PS256", rsa_signer("rsa-2").key)
        self.leaked: Signer = ec_signer("leaked")
        self.encryption: Signer = ec_signer("encryption")
        self.twice: Signer = ec_signer("twice")
        self.issuers = {
            name: provider.issuer(name, [self.ec.jwk()])
            for name in ("twin", "api", "mail", "cluster", "sure", "trial", "onekey")
        }
        self.issuers["main"] = provider.issuer("main", self._main_keys())
        provider.documents["/twin/jwks"] = {"keys": [self.other.jwk(), self.ec.jwk(kid="twin-ec")]}
        self._break_providers()

    def _main_keys(self) -> list[dict[str, Any]]:
        oct_key = {"kty": "oct", "kid": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "alg": "HS256"}
        private = {**self.leaked.jwk(), **self.leaked.private_part()}
        return [
            self.rsa.jwk(),
            self.ec.jwk(),
            self.weak.jwk(),
            self.ed.jwk(),
            self.ps.jwk(alg=None),
            self.ps.jwk(kid="ps-only"),
            {**self.encryption.jwk(), "use": "enc"},
            oct_key,
            private,
            self.twice.jwk(),
            self.other.jwk(kid="twice"),
        ]

    def trust(self) -> str:
        """The trust file of this world."""
        entries = [_BROKEN_ENTRY.format(position=at, url=self.issuers[name]) for at, name in enumerate(BROKEN)]
        return TRUST.replace("URL", self.provider.url) + "".join(entries)

    # Tokens -----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return int(time.time())

    def claims(self, issuer: str = "main", **changes: Any) -> dict[str, Any]:
        """What a good token of `issuer` says.  Claims given as `...` are left out."""
        usual = {
            "iss": self.issuers[issuer],
            "sub": "alice",
            "aud": "vendor",
            "iat": self.now,
            "exp": self.now + 3600,
            "tier": "gold",
            "realm": {"roles": ["USER"]},
            "groups": ["lab"],
            **_USUAL.get(issuer, {}),
            **changes,
        }
        return {name: value for name, value in usual.items() if value is not ...}

    def token(
        self, issuer: str = "main", *, header: object | None = None, signer: Signer | None = None, **changes: Any
    ) -> str:
        """A good token of `issuer`, apart from the changes."""
        usual = {"onekey": self.ec, "api": self.ec, "main": self.rsa}.get(issuer, self.ec)
        if header is None:
            header = {"typ": "at+jwt"} if issuer == "api" else {"kid": "twin-ec"} if issuer == "twin" else None
        return (signer or usual).token(self.claims(issuer, **changes), header)

    def raw(self, payload: str | bytes) -> str:
        """A well-signed token of `main` whose payload is this text."""
        return self.rsa.token(payload)

    def payload(self) -> bytes:
        """The payload of a good token of `main`."""
        return json.dumps(self.claims()).encode("ascii")

    def with_member_bytes(self, member: bytes) -> bytes:
        """That payload with one more member."""
        return self.payload()[:-1] + b", " + member + b"}"

    def with_member(self, text: str, *, leave_out: str | None = None) -> str:
        """A well-signed token of `main` with this JSON text as one more member."""
        claims = self.claims()
        if leave_out is not None:
            del claims[leave_out]
        return self.raw(json.dumps(claims)[:-1] + ", " + text + "}")

    # Broken providers -------------------------------------------------------------------------------------------------

    def _break_providers(self) -> None:
        provider, good = self.provider, [self.ec.jwk()]
        self.issuers |= {name: provider.issuer(name, good) for name in BROKEN if name != "refuses-connections"}
        self.issuers["refuses-connections"] = "http://127.0.0.1:1/nobody"
        provider.documents["/no-keys/jwks"] = {"keys": []}
        provider.documents["/only-foreign-keys/jwks"] = {"keys": [self.rsa.jwk(), {"kty": "XYZ"}, 7]}
        provider.documents["/10000-keys/jwks"] = {"keys": good + [self.ec.jwk(kid=str(n)) for n in range(9_999)]}
        provider.documents["/101-keys/jwks"] = {"keys": good + [self.ec.jwk(kid=str(n)) for n in range(100)]}
        provider.documents["/array/jwks"] = [self.ec.jwk()]
        elsewhere = {
            "other-issuer": {"issuer": self.issuers["main"]},
            "jwks-http": {"jwks_uri": "http://keys.example.org/jwks"},
            "jwks-elsewhere": {"jwks_uri": "https://keys.example.org/jwks"},
            "jwks-next-door": {"jwks_uri": provider.url.replace("127.0.0.1", "localhost") + "/twin/jwks"},
            "jwks-metadata": {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
            "jwks-file-url": {"jwks_uri": "file:///etc/passwd"},
        }
        for name, changes in elsewhere.items():
            provider.issuer(name, good, **changes)
        keys = json.dumps({"keys": good})
        provider.faults |= {
            "/500/": status(500),
            "/429/": status(429, **{"Retry-After": "1"}),
            "/silent/": silent(),
            "/dripping/jwks": dripping(),
            "/redirects/jwks": status(302, Location=f"{provider.url}/main/jwks"),
            "/html/": status(200, "<html>Sign in</html>"),
            "/huge/jwks": endless(),
            "/half/jwks": status(200, keys[:-9], "application/json"),
            "/compressed/jwks": status(200, keys, "application/json", **{"Content-Encoding": "br"}),
            "/duplicate-member/jwks": status(200, keys[:-1] + ', "keys": []}', "application/json"),
        }


_USUAL: dict[str, dict[str, Any]] = {
    "api": {"client_id": "vend-cli", "jti": "1", "scope": "openid"},
    "mail": {"email": "alice@example.org", "email_verified": True},
    "cluster": {
        "sub": "system:serviceaccount:spark:etl",
        "kubernetes.io": {"namespace": "spark", "serviceaccount": {"name": "etl", "uid": "u"}},
    },
    "sure": {
        "tenant": "tenant:kbase",
        "principal_type": "human",
        "preferred_username": "alice",
        "assurance": {"level": "aal2", "mfa": True, "methods": ["pwd", "otp"]},
    },
}


@asynccontextmanager
async def small_world() -> AsyncIterator[World]:
    """Run a world."""
    async with serving() as provider:
        yield World(provider)
