"""Refusals in the two forms that MMS has, and which refusal of ours becomes which of its codes.

The service form is `{"error": <number>, "error_type": …, "message": …}`; what MMS leaves to its web framework (role
checks, routing, Polaris' self-check) is `{"detail": …}`, and so are failed validations, as a list.  The same refusal
has another number in another part of the API, so the table is per area.  What the table does not name keeps the status
it has in the native API, with the number of a general failure.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from starlette.responses import Response

from vendor.doors.render import JSON, error_headers
from vendor.errors import (
    AlreadyExists,
    AuditUnavailable,
    Conflict,
    IdentityProviderUnavailable,
    InvalidName,
    InvalidPath,
    InvalidRequest,
    LastSteward,
    MissingToken,
    NothingGranted,
    NotOwner,
    NotSteward,
    PolicyTooLarge,
    RoleRequired,
    ScopeNotGranted,
    StateUnavailable,
    StoreRefused,
    StoreUnavailable,
    Unauthenticated,
    UnknownTenant,
    UnknownUser,
    UnusableName,
    VendError,
)

TYPES: Final[Mapping[int, str]] = {
    10000: "Authentication failed",
    10010: "No authentication token",
    10020: "Invalid token",
    10030: "Invalid authentication header",
    10040: "Missing required role",
    20000: "S3 service error",
    20015: "MinIO policy validation error",
    20016: "MinIO policy operation error",
    20030: "MinIO user operation error",
    20040: "MinIO group operation error",
    20041: "MinIO group not found",
    20042: "Data governance policy violation",
    20043: "Polaris catalog operation error",
    20045: "Credential operation error",
    20050: "MinIO connection error",
    30020: "Bucket validation error",
    40010: "Tenant operation error",
    40020: "Tenant authorization error",
    40030: "Tenant not found",
}
ADMIN_REQUIRED: Final = "Administrator privileges required for this operation"


class Area(StrEnum):
    """The parts of the API, as far as they number refusals differently."""

    IDENTITY = "identity"
    CREDENTIALS = "credentials"
    WORKSPACES = "workspaces"
    SHARING = "sharing"
    USERS = "users"
    GROUPS = "groups"
    TENANTS = "tenants"


class MmsError(Exception):
    """A refusal in MMS's terms."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return the form for what the web framework refuses."""
        return {"detail": self.message}


class ServiceError(MmsError):
    """A refusal with a number."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.code = code

    def body(self) -> dict[str, object]:
        """Return the form for what the service refuses."""
        return {"error": self.code, "error_type": TYPES[self.code], "message": self.message}


class Invalid(MmsError):
    """A request that does not have the agreed form.  `problems` are pydantic's."""

    def __init__(self, problems: list[dict[str, object]]) -> None:
        super().__init__(422, "The request is not valid.")
        self.problems = problems

    def body(self) -> dict[str, object]:
        """Return the form for failed validations."""
        return {"detail": self.problems}


_Row = Mapping[type[VendError], tuple[int, int]]
"""Class of refusal → status and number.  The first class in the refusal's own line of ancestors counts."""

_EVERYWHERE: Final[_Row] = {
    InvalidPath: (400, 20015),
    InvalidRequest: (400, 20015),
    InvalidName: (400, 20030),
    UnknownUser: (400, 20030),
    UnknownTenant: (404, 20041),
    NotOwner: (403, 20042),
    NothingGranted: (403, 20042),
    ScopeNotGranted: (403, 20042),
    AlreadyExists: (400, 20040),
    Conflict: (409, 20016),
    PolicyTooLarge: (422, 20016),
    StoreUnavailable: (503, 20050),
    StoreRefused: (502, 20000),
    StateUnavailable: (503, 20000),
    AuditUnavailable: (503, 20000),
}
_BY_AREA: Final[Mapping[Area, _Row]] = {
    Area.IDENTITY: {
        MissingToken: (401, 10010),
        Unauthenticated: (401, 10020),
        RoleRequired: (403, 10040),
        UnusableName: (403, 10040),
        IdentityProviderUnavailable: (503, 10000),
    },
    Area.CREDENTIALS: {Conflict: (409, 20045), InvalidRequest: (400, 20045), RoleRequired: (403, 20042)},
    Area.WORKSPACES: {UnknownTenant: (400, 20040), InvalidName: (400, 20040)},
    Area.SHARING: {UnknownTenant: (404, 20041), InvalidName: (400, 20042)},
    Area.USERS: {LastSteward: (409, 20030), Conflict: (409, 20030)},
    Area.GROUPS: {InvalidName: (400, 20040), UnknownUser: (400, 20040), Conflict: (409, 20040)},
    Area.TENANTS: {
        InvalidName: (400, 20040),
        InvalidRequest: (400, 40010),
        UnknownUser: (400, 20040),
        UnknownTenant: (404, 40030),
        AlreadyExists: (400, 40010),
        LastSteward: (409, 40010),
        Conflict: (409, 40010),
    },
}

_ALWAYS: Final = frozenset({400, 413, 422, 429, 500})


def translated(refusal: VendError, area: Area, tenant: str | None = None) -> MmsError:
    """Return what MMS calls a refusal that happened in this area; `tenant` is the one the request is about."""
    headers = error_headers(refusal)
    if area is not Area.IDENTITY and isinstance(refusal, NotSteward):
        return MmsError(403, f"Requires admin or steward role for tenant '{tenant}'", headers)
    found = _row(refusal, _BY_AREA[area]) or _row(refusal, _EVERYWHERE)
    if found is None and isinstance(refusal, RoleRequired):
        return MmsError(403, refusal.message, headers)
    status, code = found or (refusal.status, 20000)
    return ServiceError(status, code, refusal.message, headers)


def statuses() -> set[int]:
    """Return every status that a refusal can have."""
    tables = (_EVERYWHERE, *_BY_AREA.values())
    return {status for table in tables for status, _ in table.values()} | _ALWAYS


def unforeseen() -> Response:
    """Return MMS's answer to what nobody foresaw."""
    return JSON({"error": None, "error_type": None, "message": "An unexpected error occurred"}, 500)


def rendered(error: MmsError) -> Response:
    """Return a refusal as an answer."""
    return JSON(error.body(), error.status, error.headers)


def _row(refusal: VendError, rows: _Row) -> tuple[int, int] | None:
    return next((rows[kind] for kind in type(refusal).__mro__ if kind in rows), None)
