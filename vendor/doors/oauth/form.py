"""Refusals of the OAuth doors: `error` and `error_description` of RFC 6749, section 5.2."""

import re
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response
from starlette.types import Scope
from typing_extensions import TypedDict

from vendor.doors.operation import Reply
from vendor.doors.render import JSON, error_headers, request_id
from vendor.errors import (
    Forbidden,
    InvalidPath,
    NotFound,
    PolicyTooLarge,
    RoleRequired,
    TooManyRequests,
    Unavailable,
    UnusableName,
    VendError,
)


class UnsupportedGrantType(VendError):
    """Another grant than token exchange."""

    code, status = "unsupported_grant_type", 400


class InvalidScope(VendError):
    """A scope that is neither read nor write."""

    code, status = "invalid_scope", 400


class InvalidTarget(VendError):
    """A resource or an audience that tokens are not given for (RFC 8693, section 2.2.2)."""

    code, status = "invalid_target", 400


class UnsupportedTokenType(VendError):
    """A token that is not ours to revoke (RFC 7009, section 2.2.1)."""

    code, status = "unsupported_token_type", 400


_MEANT: Final[Sequence[tuple[type[VendError], int, str]]] = (
    (UnsupportedGrantType, 400, "unsupported_grant_type"),
    (InvalidScope, 400, "invalid_scope"),
    (InvalidTarget, 400, "invalid_target"),
    (UnsupportedTokenType, 400, "unsupported_token_type"),
    (InvalidPath, 400, "invalid_target"),
    (PolicyTooLarge, 400, "invalid_target"),
    (RoleRequired, 400, "invalid_request"),
    (UnusableName, 400, "invalid_request"),
    (Forbidden, 400, "invalid_target"),
    (NotFound, 400, "invalid_target"),
    (TooManyRequests, 429, "temporarily_unavailable"),
    (Unavailable, 503, "temporarily_unavailable"),
)
"""Status and `error` for ours, the first that fits.

A token that is not good, or not acceptable, is an `invalid_request` (RFC 8693, section 2.2.2).
"""


class OAuthRefusal(TypedDict):
    """Why a request was refused (RFC 6749, section 5.2)."""

    error: str
    error_description: str
    request_id: str


class OAuthForm:
    """`{"error", "error_description"}`, with the request id beside them."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        status, code = meant(type(error))
        headers = {**error_headers(error), "pragma": "no-cache"}
        headers.pop("www-authenticate", None)  # for clients that authenticate themselves; none does here
        # RFC 6749, section 5.2: printable ASCII without quotes and backslashes.
        description = re.sub(r'[^\x20-\x7e]|["\\]', "'", error.message)
        body: OAuthRefusal = {"error": code, "error_description": description, "request_id": request_id(scope)}
        return JSON(body, status, headers)

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return meant(kind)[0]

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""
        codes = sorted({meant(kind)[1] for kind in kinds})
        return Reply(OAuthRefusal, what=", ".join(codes), schema={"properties": {"error": {"enum": codes}}})


FORM: Final = OAuthForm()


def meant(kind: type[VendError]) -> tuple[int, str]:
    """Return status and `error` of a kind of refusal."""
    for ours, status, code in _MEANT:
        if issubclass(kind, ours):
            return status, code
    if kind.status >= 500:
        return kind.status, "server_error"
    return kind.status if kind.status in {405, 413, 415} else 400, "invalid_request"
