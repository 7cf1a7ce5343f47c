"""Answers in the native API's form: JSON, never cached, every one with its request id."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field
from starlette.responses import Response
from starlette.types import Scope
from typing_extensions import TypedDict

from vendor.errors import Unauthenticated, VendError

_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
NDJSON: Final = "application/x-ndjson"
NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}
_STATE: Final = "vendor.request_id"


def request_id(scope: Scope) -> str:
    """Return the request's id, the same throughout: the caller's own valid `X-Request-Id`, else a new one."""
    if _STATE not in scope:
        sent = [value for name, value in scope.get("headers", ()) if name == b"x-request-id"]
        text = sent[0].decode("latin-1") if len(sent) == 1 else ""
        scope[_STATE] = text if _VALID_ID.fullmatch(text) else f"r_{secrets.token_hex(12)}"
    return str(scope[_STATE])


class JSON(Response):
    """A JSON answer.  Anything may hold keys or names, so nothing is ever cached."""

    media_type = "application/json"

    def __init__(self, content: object, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, {**NO_STORE, **(headers or {})})

    def render(self, content: object) -> bytes:
        """Return compact UTF-8."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class NoRoute(VendError):
    """The path leads nowhere."""

    code, status = "invalid_request", 404
    default_remedy = "Check the path; the documentation is at /docs."

    def __init__(self) -> None:
        super().__init__("There is nothing at this path.")


class MethodNotAllowed(VendError):
    """The path exists, the method does not."""

    code, status = "invalid_request", 405
    default_remedy = "Use one of the methods in the Allow header."

    def __init__(self) -> None:
        super().__init__("This path does not take this method.")


class InternalError(VendError):
    """Something we did not foresee.  The log has it under the request id."""

    code, status = "internal_error", 500

    def __init__(self) -> None:
        super().__init__("The gateway failed to answer this request.")


class Refusal(TypedDict):
    """Why a request was refused, for programs (`code`, `details`) and for people."""

    code: Annotated[str, Field(description="Stable; what programs look at.", examples=["scope_not_granted"])]
    message: str
    remedy: Annotated[str, Field(description="What to do about it.")]
    details: dict[str, object]
    request_id: Annotated[str, Field(description="To quote when asking the operator; as in X-Request-Id.")]


class RefusalAnswer(TypedDict):
    """Every refusal of the native API."""

    error: Refusal


REFUSAL: Final = "vendor.refusal"
"""Where the scope of a request says with which code it was refused."""


def error_answer(error: VendError, scope: Scope) -> JSON:
    """Render a refusal as the native API does."""
    refusal: Refusal = {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "details": error.details,
        "request_id": request_id(scope),
    }
    answer: RefusalAnswer = {"error": refusal}
    return JSON(answer, error.status, error_headers(error))


def error_headers(error: VendError) -> dict[str, str]:
    """Return the headers that belong to a refusal in any form: the challenge of a 401, and when to try again."""
    headers = {}
    if isinstance(error, Unauthenticated):
        # RFC 6750, section 3: a quoted string of printable ASCII without quotes and backslashes.
        description = re.sub(r'[^\x20-\x7e]|["\\]', "'", error.message)
        challenge = f', error="{error.challenge}", error_description="{description}"' if error.challenge else ""
        headers["www-authenticate"] = f'Bearer realm="vendor"{challenge}'
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return headers
