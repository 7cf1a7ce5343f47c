"""Answers and refusals of the STS door: XML in AWS's namespace, with AWS's element names and error codes."""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import Scope

from vendor.doors.operation import Reply
from vendor.doors.render import MethodNotAllowed, error_headers, request_id
from vendor.errors import (
    ExpiredToken,
    Forbidden,
    IdentityProviderUnavailable,
    InvalidName,
    InvalidRequest,
    LeaseEnded,
    NotFound,
    PolicyTooLarge,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnusableName,
    VendError,
)
from vendor.policy.caller import UnsupportedPolicy

NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
XML: Final = "text/xml"
Node = tuple[str, "str | Sequence[Node]"]


class InvalidAction(InvalidRequest):
    """The action, or the version of the API, is none of ours."""


class MissingAction(InvalidRequest):
    """No action was named."""


class PolicyTooLong(InvalidRequest):
    """The caller's policy is longer than one may be."""


_MEANT: Final[Sequence[tuple[type[VendError], int, str]]] = (
    (MissingAction, 400, "MissingAction"),
    (InvalidAction, 400, "InvalidAction"),
    (PolicyTooLong, 400, "PackedPolicyTooLarge"),
    (PolicyTooLarge, 400, "PackedPolicyTooLarge"),
    (UnsupportedPolicy, 400, "MalformedPolicyDocument"),
    (ExpiredToken, 400, "ExpiredTokenException"),
    (LeaseEnded, 400, "ExpiredTokenException"),
    (Unauthenticated, 400, "InvalidIdentityToken"),
    (UnusableName, 403, "AccessDenied"),
    (Forbidden, 403, "AccessDenied"),
    (NotFound, 403, "AccessDenied"),
    (TooManyRequests, 400, "Throttling"),
    (IdentityProviderUnavailable, 400, "IDPCommunicationError"),
    (Unavailable, 503, "ServiceUnavailable"),
    (TooLarge, 413, "RequestEntityTooLarge"),
    (MethodNotAllowed, 405, "MethodNotAllowed"),
    (InvalidName, 400, "ValidationError"),
)
"""AWS's status and code for ours, the first that fits.  SDKs ask again on `IDPCommunicationError` and `Throttling`."""


def meant(kind: type[VendError]) -> tuple[int, str]:
    """Return status and code of a kind of refusal."""
    for ours, status, code in _MEANT:
        if issubclass(kind, ours):
            return status, code
    return kind.status, "InternalFailure" if kind.status >= 500 else "ValidationError"


class StsForm:
    """`ErrorResponse`, as AWS's STS writes it."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        status, code = meant(type(error))
        headers = error_headers(error)
        headers.pop("www-authenticate", None)  # nothing here asks for a header
        refusal: Node = (
            "Error",
            [("Type", "Sender" if status < 500 else "Receiver"), ("Code", code), ("Message", error.message)],
        )
        return _xml(("ErrorResponse", [refusal, ("RequestId", request_id(scope))]), status, headers)

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return meant(kind)[0]

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""
        codes = ", ".join(sorted({meant(kind)[1] for kind in kinds}))
        return Reply(what=f"`ErrorResponse` with one of these codes: {codes}", media=XML, schema={"type": "string"})


FORM: Final = StsForm()


def result(action: str, content: Sequence[Node], scope: Scope) -> Response:
    """Render the answer to an action."""
    metadata: Node = ("ResponseMetadata", [("RequestId", request_id(scope))])
    return _xml((f"{action}Response", [(f"{action}Result", content), metadata]), 200, {})


def _xml(root: Node, status: int, headers: Mapping[str, str]) -> Response:
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + _written(root, f' xmlns="{NAMESPACE}"')
    kept = {"cache-control": "no-store", **headers}
    return Response(text.encode(), status, kept, media_type=XML)


def _written(node: Node, attributes: str = "") -> str:
    name, content = node
    inner = _legal(content) if isinstance(content, str) else "".join(_written(child) for child in content)
    return f"<{name}{attributes}>{inner}</{name}>"


def _legal(text: str) -> str:
    """Escape a text, and replace the characters that XML cannot carry at all."""
    return escape("".join(one if one.isprintable() else "?" for one in text))
