"""One class per failure that a caller can meet.

Each carries a stable `code`, an HTTP `status`, a sentence and a remedy.  Code below the doors raises them and says
nothing of HTTP; a door renders them in its own form (JSON, XML, OAuth) and nobody else formats them.
The codes are those of the HTTP API's error table.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class VendError(Exception):
    """A refusal someone can act on.

    `details` are JSON values for the caller's program; they never hold a secret or another principal's data.
    `retry_after` is in whole seconds, for failures that pass by themselves.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    default_remedy: ClassVar[str] = "Ask the operator of this gateway, quoting the request id."

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        details: Mapping[str, object] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.details = dict(details or {})
        self.retry_after = retry_after


# 400 ----------------------------------------------------------------------------------------------------------------


class InvalidRequest(VendError):
    code, status = "invalid_request", 400
    default_remedy = "Correct the request; the message names the member."


class InvalidPath(VendError):
    code, status = "invalid_path", 400
    default_remedy = (
        "Write the path as s3://bucket/folder/, literally: no wildcards, encodings, '//', '.' or '..' parts."
    )


class InvalidName(VendError):
    code, status = "invalid_name", 400
    default_remedy = "Use lower-case letters, digits and single '.', '_' or '-' between them."


class UnusableName(VendError):
    """A verified token names a user that the layout cannot carry: nothing the caller sends will help."""

    code, status = "invalid_name", 403
    default_remedy = "Ask the operator to map this identity to a name that the gateway can use (policies/trust.toml)."


class InvalidDuration(VendError):
    code, status = "invalid_duration", 400


# 401 ----------------------------------------------------------------------------------------------------------------


class Unauthenticated(VendError):
    """Base of the 401s.  `challenge` is the `error` of `WWW-Authenticate: Bearer` (RFC 6750, section 3.1)."""

    status = 401
    challenge: ClassVar[str | None] = "invalid_token"
    default_remedy = "Sign in again (vend login) and send the new token."


class MissingToken(Unauthenticated):
    code = "missing_token"
    challenge = None  # RFC 6750 3.1: no error code where no credentials were sent
    default_remedy = "Send 'Authorization: Bearer <identity token>'; 'vend login' gets one."

    def __init__(self, message: str = "The request carries no bearer token.") -> None:
        super().__init__(message)


class InvalidToken(Unauthenticated):
    code = "invalid_token"


class ExpiredToken(Unauthenticated):
    code = "expired_token"


# 403 ----------------------------------------------------------------------------------------------------------------


class Forbidden(VendError):
    status = 403


class RoleRequired(Forbidden):
    code = "role_required"


class ScopeNotGranted(Forbidden):
    code = "scope_not_granted"
    default_remedy = 'Ask for less, say "partial": true, or ask the owner or a steward for access.'


class NotOwner(Forbidden):
    code = "not_owner"
    default_remedy = "Only the owner of a path can do this: for a home its user, for a tenant's path its stewards."


class NotSteward(Forbidden):
    code = "not_steward"
    default_remedy = "Ask a steward of the tenant, or an administrator."


class NothingGranted(Forbidden):
    code = "nothing_granted"
    default_remedy = "Ask a steward of a tenant for membership, or an owner for a share, then try again."

    def __init__(self, message: str = "Nothing is granted to you, so there is nothing to lease.") -> None:
        super().__init__(message)


# 404 ----------------------------------------------------------------------------------------------------------------


class NotFound(VendError):
    status = 404
    default_remedy = "Check the name. What you may not see is reported as unknown, too."


class UnknownTenant(NotFound):
    code = "unknown_tenant"


class UnknownUser(NotFound):
    code = "unknown_user"


class UnknownLease(NotFound):
    code = "unknown_lease"


class UnknownShare(NotFound):
    code = "unknown_share"


class UnknownStore(NotFound):
    code = "unknown_store"


class UnknownEvent(NotFound):
    code = "unknown_event"
    default_remedy = "Check the cursor, and wait some seconds: an event is sealed a little after it was recorded."


# 409 to 422 ---------------------------------------------------------------------------------------------------------


class AlreadyExists(VendError):
    code, status = "already_exists", 409
    default_remedy = "Choose another name, or change the existing one."


class Conflict(VendError):
    code, status = "conflict", 409
    default_remedy = "Somebody else changed the same thing at the same time. Read it again and repeat the change."


class LastSteward(VendError):
    code, status = "last_steward", 409
    default_remedy = "Name another steward first."


class LeaseEnded(VendError):
    code, status = "lease_ended", 410
    default_remedy = "Ask for a new lease with your identity token."


class StaleRevision(VendError):
    code, status = "stale_revision", 412
    default_remedy = "Read the object again and send its new ETag in If-Match."


class TooLarge(VendError):
    code, status = "too_large", 413
    default_remedy = "Send less; the message names the limit."


class UnsupportedMediaType(VendError):
    code, status = "unsupported_media_type", 415
    default_remedy = "Send JSON with 'Content-Type: application/json' and no content encoding."


class PolicyTooLarge(VendError):
    """The grants asked for do not fit the policy that one lease may carry.  Sizes are in bytes."""

    code, status = "policy_too_large", 422

    def __init__(self, *, size: int, limit: int, largest: Sequence[Mapping[str, object]], split_possible: bool) -> None:
        super().__init__(
            f"The policy for this scope takes {size} bytes; one lease on this store can carry {limit}.",
            remedy="Ask for fewer of the paths in 'details', or for a parent of several of them.",
            details={"bytes": size, "limit": limit, "largest": list(largest), "split_possible": split_possible},
        )


class TooManyRequests(VendError):
    code, status = "too_many_requests", 429
    default_remedy = "Wait as long as Retry-After says."


# 502 and 503 --------------------------------------------------------------------------------------------------------


class StoreRefused(VendError):
    """The store answered and said no, or said something that cannot be trusted.  Trying again will not help."""

    code, status = "store_refused", 502


class Unavailable(VendError):
    """Base of the 503s: a part the gateway depends on is away.  Always carries `retry_after`."""

    status = 503
    default_remedy = "Try again after the time in Retry-After; nothing was changed."

    def __init__(self, message: str, *, retry_after: int = 5, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy, retry_after=retry_after)


class StoreUnavailable(Unavailable):
    code = "store_unavailable"


class IdentityProviderUnavailable(Unavailable):
    code = "identity_provider_unavailable"


class StateUnavailable(Unavailable):
    code = "state_unavailable"


class AuditUnavailable(Unavailable):
    code = "audit_unavailable"
