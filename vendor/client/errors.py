"""What can go wrong on the user's side, one class per way out.

Each carries one sentence (`str(error)`) and a `remedy`.  Text that came from a server is stripped of control
characters before it gets here, so that printing it cannot steer a terminal.
"""

from collections.abc import Mapping
from typing import ClassVar


class ClientError(Exception):
    """Something the person at the keyboard can act on."""

    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = self.default_remedy if remedy is None else remedy


class BadInput(ClientError, ValueError):
    """What the caller handed in cannot be meant: a malformed address, name, duration or file of settings."""


class SignInNeeded(ClientError):
    """There is no usable identity token: none found, or one that cannot be used."""

    default_remedy = "Sign in with 'vend login', or set VENDOR_TOKEN."


class UnsafeFile(SignInNeeded):
    """A file that holds a token is not safely ours: a symlink, somebody else's, readable by others, damaged."""


class Unavailable(ClientError):
    """The gateway, the store behind it or the identity provider cannot be used right now."""

    default_remedy = "Try again in a moment; 'vend doctor' looks for the cause."

    def __init__(self, message: str, *, remedy: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class BadAnswer(Unavailable):
    """Something answered, but not as a Vendor gateway (or an identity provider) does."""

    default_remedy = "Check the address; a proxy or a sign-in page of the network may have answered instead."


class GatewayError(ClientError):
    """The gateway's own refusal, as it worded it.  `code` is one of the HTTP API's stable codes."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        remedy: str = "",
        details: Mapping[str, object] | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code
        self.details = dict(details or {})
        self.request_id = request_id
        self.retry_after = retry_after
