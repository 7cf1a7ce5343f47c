"""Health, and the caller's keys."""

from typing import Annotated

from pydantic import Field

from vendor.doors.mms.models.base import NOT_CONFIGURED, Model, Text, Time


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
    username: Text
    access_key: str
    secret_key: Annotated[str, Field(min_length=8)]
    s3_access_key: str
    s3_secret_key: Annotated[str, Field(min_length=8)]
    polaris_client_id: Text = NOT_CONFIGURED
    polaris_client_secret: Text = NOT_CONFIGURED
    session_token: str
    expiration: Time
    lease_id: str
    endpoint: Endpoint
