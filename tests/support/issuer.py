"""The smallest OpenID issuer: a discovery document, one ES256 key, and whatever claims a test wants signed."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.documents import serving


class TinyIssuer:
    """An issuer that serves on a port of its own and signs what it is told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, *, seconds: float = 300, **claims: object) -> str:
        """Sign a token for the audience `vendor`; `claims` replace or add."""
        now = time.time()
        complete = {"iss": self.url, "aud": "vendor", "azp": "vendor", "iat": int(now), "exp": int(now + seconds)}
        return jwt.encode({**complete, **claims}, self._key, algorithm="ES256", headers={"kid": "tiny"})

    def documents(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "tiny", "use": "sig", "alg": "ES256"}
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"},
            "/jwks.json": {"keys": [jwk]},
        }


@contextmanager
def tiny_issuer() -> Iterator[TinyIssuer]:
    """Serve a new issuer as long as the block lasts."""
    with serving(lambda path: issuer.documents().get(path)) as port:
        issuer = TinyIssuer(f"http://127.0.0.1:{port}")
        yield issuer
