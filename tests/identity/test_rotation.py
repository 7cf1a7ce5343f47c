"""Both sides rotate their keys while 200 sign-ins are under way, and none of them fails."""

import asyncio
import time
from pathlib import Path
from typing import Any

import jwt

from tests.identity.world.minting import Signer, ec_signer
from tests.identity.world.provider import Provider, serving
from vendor.identity.authenticator import Authenticator, open_authenticator
from vendor.identity.issuer import OwnIssuer
from vendor.operate.keys import rotate
from vendor.secret import RawToken

VENDS = 200
TRUST = """\
version = 1

[[issuer]]
name = "idp"
url = "{url}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]

[[issuer.rule]]
name = "all"
"""


class Rotating:
    """An identity provider that signs with its newest key and publishes the last two."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.signers: list[Signer] = [ec_signer("r0")]
        self.url = provider.issuer("idp", [self.signers[0].jwk()])

    def rotate(self) -> None:
        self.signers.append(ec_signer(f"r{len(self.signers)}"))
        self.provider.issuer("idp", [signer.jwk() for signer in self.signers[-2:]])

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "alice", "aud": "vendor", "iat": now, "exp": now + 600}
        return self.signers[-1].token(claims)


async def vend(idp: Rotating, door: Authenticator, issuer: OwnIssuer) -> str:
    """What identity does for one lease: a token in, a token for the store out, which the store can verify."""
    principal = await door.authenticate(RawToken(idp.token()))
    token = issuer.sign(subject=principal.name, audience="store", lifetime_ends=time.time() + 60, claims={}).reveal()
    keys: Any = issuer.jwks()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    (jwk,) = [key for key in keys if key["kid"] == kid]
    jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=["ES256"], audience="store")
    return str(kid)


async def test_rotation_on_both_sides_under_load(tmp_path: Path) -> None:
    folder, trust = tmp_path / "keys", tmp_path / "trust.toml"
    steady = Steady()
    issuer = OwnIssuer.open(
        url="https://v.example", keys_folder=folder, key_pem=None, clock=time.time, monotonic=steady
    )
    async with serving() as provider:
        idp = Rotating(provider)
        trust.write_text(TRUST.format(url=idp.url), encoding="utf-8")
        async with open_authenticator(
            trust_file=trust, own_issuer_url="https://v.example", clock=time.time, monotonic=steady
        ) as door:
            used: set[str] = set()
            for wave in range(4):
                vends = [asyncio.create_task(vend(idp, door, issuer)) for _ in range(VENDS // 8)]
                await asyncio.sleep(0)
                idp.rotate()  # in the middle of a wave: half of it is signed before, half after
                rotate(folder, lead_seconds=0, keep_seconds=60)
                steady.offset += 61
                vends += [asyncio.create_task(vend(idp, door, issuer)) for _ in range(VENDS // 8)]
                used |= set(await asyncio.gather(*vends))
                assert provider.key_reads("idp") <= 3 * (wave + 1)
            assert len(idp.signers) == 5
            assert len(used) >= 4


class Steady:
    """Monotonic time that a test can push."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.offset
