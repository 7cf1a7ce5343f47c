"""A stand-in for Dex: its addresses, one RS256 key, and ID tokens with the claims that Dex puts into them."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.support.documents import serving


class Dex:
    """Serves its keys on a port of its own, and signs for whoever a test names."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}/dex"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def id_token(self, user: str, groups: tuple[str, ...] = (), seconds: int = 600) -> str:
        """Return what a sign-in gives to `vend`."""
        now = int(time.time())
        subject = base64.urlsafe_b64encode(f"\n\x05{user}\x12\x05local".encode()).rstrip(b"=").decode()
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject,
            "aud": "vendor",
            "exp": now + seconds,
            "iat": now,
            "at_hash": "3t1bXxnBNbNnlYJZ2cZ7Ew",
            "email": f"{user}@example.org",
            "email_verified": True,
            "name": user,
            "preferred_username": user,
        }
        if groups:
            claims["groups"] = list(groups)
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "dex", "typ": None})

    def document(self, path: str) -> dict[str, Any] | None:
        """Return what is served under `path`."""
        if path == "/dex/healthz":
            return {}
        if path == "/dex/keys":
            key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
            return {"keys": [{**key, "kid": "dex", "use": "sig", "alg": "RS256"}]}
        return None


@contextmanager
def running_dex() -> Iterator[Dex]:
    """Serve a new stand-in as long as the block lasts."""
    with serving(lambda path: dex.document(path)) as port:
        dex = Dex(port)
        yield dex
