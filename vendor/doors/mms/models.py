"""Bodies and answers as MMS's clients know them: every field of every generation of that API, together.

Generated clients fail on a missing required field and ignore unknown ones, so answers carry the old names
(`access_key`, `policy_name`) beside the new (`s3_access_key`).  Bodies are as lenient as MMS's: unknown members are
refused where it refuses them and ignored where it ignores them.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

NOT_CONFIGURED: Final = "not-configured"
REDACTED: Final = "<redacted>"

_Text = Annotated[str, Field(min_length=1)]
_Count = Annotated[int, Field(ge=0)]
_Names = Annotated[list[str], Field(max_length=500)]
AccessLevel = Literal["read_write", "read_only"]


class Model(BaseModel):
    """Base of all answers.  Every field is always sent, so every field is promised."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Strict(BaseModel):
    """Base of bodies that take no unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Lenient(BaseModel):
    """Base of bodies whose unknown members are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# Health and credentials ---------------------------------------------------------------------------------------------


class DatabaseHealth(Model):
    primary: bool
    replica: bool
    replica_enabled: bool


class HealthResponse(Model):
    status: str
    database: DatabaseHealth


class Endpoint(Model):
    url: str
    region: str
    path_style: bool


class CredentialsResponse(Model):
    username: _Text
    access_key: str
    secret_key: Annotated[str, Field(min_length=8)]
    s3_access_key: str
    s3_secret_key: Annotated[str, Field(min_length=8)]
    polaris_client_id: _Text = NOT_CONFIGURED
    polaris_client_secret: _Text = NOT_CONFIGURED
    session_token: str
    expiration: str
    lease_id: str
    endpoint: Endpoint


# Policies and workspaces --------------------------------------------------------------------------------------------


class PolicyStatement(Model):
    effect: Literal["Allow"] = "Allow"
    action: str
    resource: list[str]
    condition: dict[str, object] | None = None
    principal: str | None = None


class PolicyDocument(Model):
    version: str = "2012-10-17"
    statement: list[PolicyStatement]


class PolicyModel(Model):
    policy_name: Annotated[str, Field(min_length=1, max_length=128)]
    policy_document: PolicyDocument


class UserModel(Model):
    username: Annotated[str, Field(min_length=2, max_length=64)]
    access_key: str
    secret_key: str | None = REDACTED
    s3_access_key: str
    s3_secret_key: str | None = REDACTED
    home_paths: list[str]
    groups: list[str]
    user_policies: list[PolicyModel]
    group_policies: list[PolicyModel]
    total_policies: _Count
    accessible_paths: list[str]


class UserGroupsResponse(Model):
    username: _Text
    groups: list[str]
    group_count: _Count


class UserPoliciesResponse(Model):
    username: _Text
    user_home_policy: PolicyModel
    user_system_policy: PolicyModel
    group_policies: list[PolicyModel]
    total_policies: _Count


class UserAccessiblePathsResponse(Model):
    username: _Text
    accessible_paths: list[str]
    total_paths: _Count


class UserSqlWarehousePrefixResponse(Model):
    username: _Text
    sql_warehouse_prefix: str


class NamespacePrefixResponse(Model):
    username: _Text
    user_namespace_prefix: str
    tenant: str | None = None
    tenant_namespace_prefix: str | None = None


class GroupWorkspaceResponse(Model):
    group_name: _Text
    members: list[str]
    member_count: _Count
    accessible_paths: list[str]


class GroupSqlWarehousePrefixResponse(Model):
    group_name: _Text
    sql_warehouse_prefix: str


# Sharing ------------------------------------------------------------------------------------------------------------


class PathRequest(Strict):
    path: _Text


class ShareRequest(Strict):
    path: _Text
    with_users: _Names = Field(default_factory=list)
    with_groups: _Names = Field(default_factory=list)
    permission: Annotated[str, Field(pattern="^(read|write)$")] = "write"


class UnshareRequest(Strict):
    path: _Text
    from_users: _Names = Field(default_factory=list)
    from_groups: _Names = Field(default_factory=list)


class PublicRequest(PathRequest):
    """`permission` is ours: MMS always granted write."""

    permission: Annotated[str, Field(pattern="^(read|write)$")] = "read"


class ShareResponse(Model):
    path: str
    shared_with_users: list[str]
    shared_with_groups: list[str]
    success_count: _Count
    errors: list[str]
    shared_by: _Text
    shared_at: str


class UnshareResponse(Model):
    path: str
    unshared_from_users: list[str]
    unshared_from_groups: list[str]
    success_count: _Count
    errors: list[str]
    unshared_by: _Text
    unshared_at: str


class PublicAccessResponse(Model):
    path: str
    is_public: bool


class PathAccessResponse(Model):
    users: list[str]
    groups: list[str]
    public: bool
    path: str


# Management ---------------------------------------------------------------------------------------------------------


class Paged(Model):
    total_count: _Count
    retrieved_count: _Count
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
    total_count: _Count


class UserManagementResponse(Model):
    username: _Text
    access_key: str
    secret_key: str = REDACTED
    s3_access_key: str
    s3_secret_key: str = REDACTED
    polaris_client_id: str = NOT_CONFIGURED
    polaris_client_secret: str = NOT_CONFIGURED
    home_paths: list[str]
    groups: list[str]
    total_policies: _Count
    operation: str
    performed_by: _Text
    timestamp: str


class Purged(Model):
    removed: _Count
    complete: bool
    prefixes: list[str]


class ResourceDeleteResponse(Model):
    resource_type: str
    resource_name: _Text
    message: str
    purged: Purged | None = None


class GroupEntry(Model):
    group_name: _Text
    members: list[str]
    member_count: _Count
    policy_name: str


class GroupListResponse(Model):
    groups: list[GroupEntry]
    total_count: _Count


class GroupNamesResponse(Model):
    group_names: list[str]
    total_count: _Count


class GroupManagementResponse(Model):
    group_name: _Text
    ro_group_name: str | None = None
    policy_name: str
    members: list[str]
    member_count: _Count
    operation: str
    performed_by: _Text
    timestamp: str


class MigrationError(Model):
    resource_type: str
    resource_name: str
    error: str


class RotateAllCredentialsResponse(Model):
    users_rotated: _Count
    users_failed: _Count
    errors: list[MigrationError]
    performed_by: str
    timestamp: str


class RegeneratePoliciesResponse(Model):
    users_updated: _Count
    groups_updated: _Count
    errors: list[MigrationError]
    performed_by: str
    timestamp: str


class EnsurePolarisRequest(Lenient):
    exclude_users: list[str] = Field(default_factory=list)
    exclude_groups: list[str] = Field(default_factory=list)


class ReconcileTrinoCatalogsRequest(Lenient):
    exclude_groups: list[str] = Field(default_factory=list)


# Tenants ------------------------------------------------------------------------------------------------------------


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
    created_at: str | None = None
    updated_at: str | None = None
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
    assigned_at: str


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
