"""Lease tokens: what renews one lease, and nothing else.

A token names its lease and carries 256 random bits.  Only its hash is kept, which at that many bits cannot be searched,
so there is no need for a slow one.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final

from vendor.errors import InvalidToken
from vendor.leases.lease import LeaseId
from vendor.secret import LeaseToken, RawToken

PREFIX: Final = "vlt_"
_FORM: Final = re.compile(r"vlt_([a-z2-7]{20})_[A-Za-z0-9_-]{43}", re.ASCII)


def new_token(lease: LeaseId) -> LeaseToken:
    """Return a fresh token for a lease."""
    return LeaseToken(f"{PREFIX}{lease.removeprefix('l_')}_{secrets.token_urlsafe(32)}")


def is_lease_token(token: RawToken) -> bool:
    """Say whether a bearer token claims to be a lease token."""
    return token.reveal().startswith(PREFIX)


def parse_token(token: RawToken) -> tuple[LeaseId, LeaseToken]:
    """Return which lease a token is for.  Raises InvalidToken for what does not have a lease token's form."""
    found = _FORM.fullmatch(token.reveal())
    if found is None:
        raise InvalidToken("This is no lease token.", remedy="Send the lease token that came with the lease.")
    return LeaseId(f"l_{found[1]}"), LeaseToken(token.reveal())


def token_hash(token: LeaseToken) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.reveal().encode()).hexdigest()


def matches(token: LeaseToken, kept: str) -> bool:
    """Compare a token with what is kept, in constant time."""
    return hmac.compare_digest(token_hash(token), kept)
