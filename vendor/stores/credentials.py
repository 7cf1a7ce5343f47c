"""Temporary S3 keys as a store issued them."""

from dataclasses import dataclass

from vendor.secret import SecretKey, SessionToken


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of temporary keys.  `expires_at` is what the store said, in seconds since the epoch."""

    access_key_id: str
    secret_key: SecretKey
    session_token: SessionToken
    expires_at: float
