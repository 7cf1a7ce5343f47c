"""What every store of the stack has in common, whichever program it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vendor.dev.process import Child

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

REGION = "us-east-1"
AUDIENCE = "vendor"
"""The audience of the web identity tokens that the gateway signs for its store."""

WEB_IDENTITY, ASSUME_ROLE = "web-identity", "assume-role"
"""The two ways of asking a store for credentials (the gateway's setting VENDOR_STORE_MODE)."""


@dataclass(frozen=True)
class KeyPair:
    """A static S3 key of the development store."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StoreSite:
    """A store as others see it: known before it runs, because the gateway must know it first where it starts second."""

    kind: str
    endpoint: str
    bucket: str
    admin: KeyPair
    service: KeyPair
    """The static identity `vendor`: no rights of its own but to assume the role of leases."""
    how: Mapping[str, str]
    """The gateway settings that are this kind's own."""
    operator_policy: str = ""
    """The policy with which the gateway keeps ceilings, where it asks by web identity."""
    region: str = REGION

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def settings(self, mode: str) -> dict[str, str]:
        """Return the gateway's VENDOR_STORE_* settings for this store."""
        settings = {
            "VENDOR_STORE_KIND": self.kind,
            "VENDOR_STORE_ENDPOINT": self.endpoint,
            "VENDOR_STORE_REGION": self.region,
            "VENDOR_STORE_MODE": mode,
            "VENDOR_STORE_AUDIENCE": AUDIENCE,
            **self.how,
        }
        if mode == WEB_IDENTITY:
            settings["VENDOR_STORE_OPERATOR_POLICY"] = self.operator_policy
        if mode == ASSUME_ROLE:
            settings["VENDOR_STORE_OPERATOR_POLICY"] = ""
            settings["VENDOR_STORE_ACCESS_KEY"] = self.service.access_key
            settings["VENDOR_STORE_SECRET_KEY"] = self.service.secret_key
        return settings

    def client(self) -> "S3Client":
        """Return a plain S3 client with the administrator's key."""
        return s3_client(self.endpoint, self.admin)


@dataclass(frozen=True)
class Store:
    """A store that runs."""

    site: StoreSite
    child: Child


def s3_client(endpoint: str, keys: KeyPair, session_token: str | None = None) -> "S3Client":
    """Return a boto3 client that knows nothing but what it is given: no profile, no environment, no instance role."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=session_token,
        config=Config(
            s3={"addressing_style": "path"},
            proxies={},
            connect_timeout=5,
            read_timeout=20,
            retries={"total_max_attempts": 1},
            signature_version="s3v4",
        ),
    )
