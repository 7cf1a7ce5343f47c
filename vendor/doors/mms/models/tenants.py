"""Tenants and the people in them."""

from typing import Annotated

from pydantic import Field, field_validator

from vendor.doors.mms.models.base import AccessLevel, Lenient, Model, Time


class TenantMetadataUpdate(Lenient):
    """What is to be said of a tenant.  Absent and null mean: as it is.  An empty text clears a field."""

    display_name: Annotated[str, Field(max_length=200)] | None = None
    description: Annotated[str, Field(max_length=4000)] | None = None
    website: Annotated[str, Field(max_length=2048)] | None = None
    organization: Annotated[str, Field(max_length=200)] | None = None

    @field_validator("display_name", "organization", "description")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        if text is not None and any(one < " " and one not in "\t\n" for one in text):
            raise ValueError("control characters are not allowed")
        return text

    @field_validator("website")
    @classmethod
    def _link(cls, text: str | None) -> str | None:
        if text and (not text.startswith(("http://", "https://")) or any(ord(one) <= 32 for one in text)):
            raise ValueError("not an http(s) URL")
        return text


class TenantSummaryResponse(Model):
    tenant_name: str
    display_name: str | None = None
    description: str | None = None
    website: str | None = None
    organization: str | None = None
    member_count: int
    is_member: bool
    is_steward: bool


class TenantMetadataResponse(Model):
    tenant_name: str
    display_name: str | None = None
    description: str | None = None
    website: str | None = None
    organization: str | None = None
    created_by: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    updated_by: str | None = None


class TenantMemberResponse(Model):
    username: str
    display_name: str | None = None
    email: str | None = None
    access_level: AccessLevel
    is_steward: bool


class TenantStewardResponse(Model):
    username: str
    display_name: str | None = None
    email: str | None = None
    assigned_by: str
    assigned_at: Time


class TenantStoragePaths(Model):
    general_warehouse: str
    sql_warehouse: str
    namespace_prefix: str


class TenantDetailResponse(Model):
    metadata: TenantMetadataResponse
    stewards: list[TenantStewardResponse]
    members: list[TenantMemberResponse]
    member_count: int
    storage_paths: TenantStoragePaths
