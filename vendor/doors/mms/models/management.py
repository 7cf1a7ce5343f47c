"""Management of users, groups and policies."""

from typing import Annotated

from pydantic import Field

from vendor.doors.mms.models.base import NOT_CONFIGURED, REDACTED, Count, Lenient, Model, Text, Time
from vendor.doors.mms.models.workspaces import PolicyModel, UserModel


class Paged(Model):
    total_count: Count
    retrieved_count: Count
    page: Annotated[int, Field(ge=1)]
    page_size: Annotated[int, Field(ge=1)]
    total_pages: Annotated[int, Field(ge=1)]
    has_next: bool
    has_prev: bool


class UserListResponse(Paged):
    users: list[UserModel]


class PolicyListResponse(Paged):
    policies: list[PolicyModel]


class UserNamesResponse(Model):
    usernames: list[str]
    total_count: Count


class UserManagementResponse(Model):
    username: Text
    access_key: str
    secret_key: str = REDACTED
    s3_access_key: str
    s3_secret_key: str = REDACTED
    polaris_client_id: str = NOT_CONFIGURED
    polaris_client_secret: str = NOT_CONFIGURED
    home_paths: list[str]
    groups: list[str]
    total_policies: Count
    operation: str
    performed_by: Text
    timestamp: Time


class Purged(Model):
    removed: Count
    complete: bool
    prefixes: list[str]


class ResourceDeleteResponse(Model):
    resource_type: str
    resource_name: Text
    message: str
    purged: Purged | None = None


class GroupEntry(Model):
    group_name: Text
    members: list[str]
    member_count: Count
    policy_name: str


class GroupListResponse(Model):
    groups: list[GroupEntry]
    total_count: Count


class GroupNamesResponse(Model):
    group_names: list[str]
    total_count: Count


class GroupManagementResponse(Model):
    group_name: Text
    ro_group_name: str | None = None
    policy_name: str
    members: list[str]
    member_count: Count
    operation: str
    performed_by: Text
    timestamp: Time


class MigrationError(Model):
    resource_type: str
    resource_name: str
    error: str


class RotateAllCredentialsResponse(Model):
    users_rotated: Count
    users_failed: Count
    errors: list[MigrationError]
    performed_by: str
    timestamp: Time


class RegeneratePoliciesResponse(Model):
    users_updated: Count
    groups_updated: Count
    errors: list[MigrationError]
    performed_by: str
    timestamp: Time


class EnsurePolarisRequest(Lenient):
    exclude_users: list[str] = Field(default_factory=list)
    exclude_groups: list[str] = Field(default_factory=list)


class ReconcileTrinoCatalogsRequest(Lenient):
    exclude_groups: list[str] = Field(default_factory=list)
