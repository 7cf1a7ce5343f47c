"""What the answers of several doors are made of, as the document tells it and as mypy checks it."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-21T06:00:00Z"])]
Path = Annotated[str, Field(examples=["s3://cdm-lake/tenant-general-warehouse/kbase/"])]
AskedPath = Annotated[
    str,
    Field(
        max_length=2048,
        description="Literally: no wildcards, no encodings, no '//', '.' or '..' parts.",
        examples=["s3a://cdm-lake/tenant-general-warehouse/kbase/"],
        json_schema_extra={
            "pattern": r"^s3a?://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f*?${}\\/][^\x00-\x1f\x7f*?${}\\]*$"
        },
    ),
]
Level = Literal["read", "write"]
Membership = Literal["read_only", "read_write"]
Source = Annotated[str, Field(description="home, tenant:<name>, share:<id> or system.", examples=["tenant:kbase"])]
Revision = Annotated[int, Field(ge=0, description="Goes up with every change; also in the ETag.")]
NextCursor = Annotated[str | None, Field(description="To be sent for the next page; null at the end.")]
Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]


class ScopeShown(TypedDict):
    """One path, and what may be done with it."""

    path: Path
    access: Level


class GrantedShown(ScopeShown):
    """One path of a lease, and why its holder may."""

    source: Source


class PolicyShown(TypedDict):
    """The policy behind a lease.  `form` says whether it came with the keys, is kept in the store, or both."""

    bytes: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    form: Literal["session", "ceiling", "session+ceiling"]


class Lease(TypedDict):
    """One lease.  It never holds a secret."""

    id: Annotated[str, Field(pattern="^l_[a-z2-7]{20}$")]
    principal: str
    store: str
    issued_at: Time
    expires_at: Time
    refresh_after: Annotated[Time, Field(description="When to renew: well before the end, not all at once.")]
    renewable_until: Time | None
    scope: list[GrantedShown]
    not_granted: list[ScopeShown]
    policy: PolicyShown
    audit_context: dict[str, str]


class Keys(TypedDict):
    """Temporary S3 keys.  All three parts have to be used."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: Time


class EndpointShown(TypedDict):
    """Where the keys are good."""

    url: Url
    region: str
    path_style: bool


class Ended(TypedDict):
    """What ending a lease came to: when its keys stop working, and what makes them."""

    revoked: Literal[True]
    effective: Literal["now", "at_expiry"]
    at_latest: Time
    how: Literal["ceiling", "revoke-tokens", "expiry"]
