"""Sharing."""

from typing import Annotated

from pydantic import Field

from vendor.doors.mms.models.base import Count, Model, Names, Strict, Text, Time


class PathRequest(Strict):
    path: Text


class ShareRequest(Strict):
    path: Text
    with_users: Names = Field(default_factory=list)
    with_groups: Names = Field(default_factory=list)
    permission: Annotated[str, Field(pattern="^(read|write)$")] = "write"


class UnshareRequest(Strict):
    path: Text
    from_users: Names = Field(default_factory=list)
    from_groups: Names = Field(default_factory=list)


class PublicRequest(PathRequest):
    """`permission` is ours: MMS always granted write."""

    permission: Annotated[str, Field(pattern="^(read|write)$")] = "read"


class ShareResponse(Model):
    path: str
    shared_with_users: list[str]
    shared_with_groups: list[str]
    success_count: Count
    errors: list[str]
    shared_by: Text
    shared_at: Time


class UnshareResponse(Model):
    path: str
    unshared_from_users: list[str]
    unshared_from_groups: list[str]
    success_count: Count
    errors: list[str]
    unshared_by: Text
    unshared_at: Time


class PublicAccessResponse(Model):
    path: str
    is_public: bool


class PathAccessResponse(Model):
    users: list[str]
    groups: list[str]
    public: bool
    path: str
