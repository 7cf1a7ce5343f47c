"""Users with their policies, and workspaces."""

from typing import Annotated, Literal

from pydantic import Field

from vendor.doors.mms.models.base import REDACTED, Count, Model, Text


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
    total_policies: Count
    accessible_paths: list[str]


class UserGroupsResponse(Model):
    username: Text
    groups: list[str]
    group_count: Count


class UserPoliciesResponse(Model):
    username: Text
    user_home_policy: PolicyModel
    user_system_policy: PolicyModel
    group_policies: list[PolicyModel]
    total_policies: Count


class UserAccessiblePathsResponse(Model):
    username: Text
    accessible_paths: list[str]
    total_paths: Count


class UserSqlWarehousePrefixResponse(Model):
    username: Text
    sql_warehouse_prefix: str


class NamespacePrefixResponse(Model):
    username: Text
    user_namespace_prefix: str
    tenant: str | None = None
    tenant_namespace_prefix: str | None = None


class GroupWorkspaceResponse(Model):
    group_name: Text
    members: list[str]
    member_count: Count
    accessible_paths: list[str]


class GroupSqlWarehousePrefixResponse(Model):
    group_name: Text
    sql_warehouse_prefix: str
