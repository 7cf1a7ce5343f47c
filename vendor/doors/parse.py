"""Parts of requests that several doors read: names in paths, revisions, queries, pages."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request

from vendor.errors import InvalidName, InvalidRequest, UnknownLease, UnknownShare, VendError
from vendor.leases.lease import LeaseId
from vendor.names import TenantName, UserName, parse_tenant_name, parse_user_name
from vendor.stewardship.desk import ANY

_ETAG: Final = re.compile(r'"(\d{1,18})"', re.ASCII)
_COUNT: Final = re.compile(r"\d{1,4}", re.ASCII)
_LEASE_ID: Final = re.compile(r"l_[a-z2-7]{20}", re.ASCII)
SHARE_ID: Final = re.compile(r"s_[a-z2-7]{20}", re.ASCII)
NAME: Final = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)
"""What a cursor of a list in the order of names stands for."""
MOST: Final = 500
USUAL: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """One placeholder of paths: what it is, its JSON schema, and the refusal of what may not stand there."""

    what: str
    schema: Mapping[str, Any]
    refusal: type[VendError]
    example: str


USER_NAME: Final = {"type": "string", "minLength": 2, "maxLength": 64, "pattern": "^[a-z0-9]([._-]?[a-z0-9])*$"}
TENANT_NAME: Final = {"type": "string", "minLength": 2, "maxLength": 64, "pattern": "^[a-z][a-z0-9]*$"}
PATH: Final[Mapping[str, Place]] = {
    "tenant": Place("The name of a tenant.", TENANT_NAME, InvalidName, "kbase"),
    "user": Place("The name of a user.", USER_NAME, InvalidName, "bob"),
    "lease": Place(
        "The id of a lease.", {"type": "string", "pattern": f"^{_LEASE_ID.pattern}$"}, UnknownLease, "l_" + "a" * 20
    ),
    "share": Place(
        "The id of a share.", {"type": "string", "pattern": f"^{SHARE_ID.pattern}$"}, UnknownShare, "s_" + "a" * 20
    ),
}


def tenant_in_path(request: Request) -> TenantName:
    """Return the `{tenant}` of the route.  Raises InvalidName."""
    return parse_tenant_name(str(request.path_params["tenant"]))


def user_in_path(request: Request) -> UserName:
    """Return the `{user}` of the route.  Raises InvalidName."""
    return parse_user_name(str(request.path_params["user"]))


def lease_in_path(request: Request) -> LeaseId:
    """Return the `{lease}` of the route.  Raises UnknownLease."""
    text = str(request.path_params["lease"])
    if not _LEASE_ID.fullmatch(text):
        raise UnknownLease("There is no such lease.")
    return LeaseId(text)


def share_in_path(request: Request) -> str:
    """Return the `{share}` of the route.  Raises UnknownShare."""
    text = str(request.path_params["share"])
    if not SHARE_ID.fullmatch(text):
        raise UnknownShare("There is no such share.")
    return text


def etag(revision: int) -> dict[str, str]:
    """Return the header that tells a revision."""
    return {"etag": f'"{revision}"'}


def if_match(request: Request) -> int | None:
    """Return the revision that the caller insists on; None without `If-Match`, `ANY` where any will do (`*`).

    Raises InvalidRequest for a value that is not one of our ETags.
    """
    sent = request.headers.getlist("if-match")
    if not sent:
        return None
    if sent == ["*"]:
        return ANY
    found = _ETAG.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if found is None:
        raise InvalidRequest("If-Match: not an ETag of this gateway.")
    return int(found[1])


def _count(value: object) -> object:
    if isinstance(value, str) and not _COUNT.fullmatch(value):
        raise ValueError(f"not a number from 1 to {MOST}")
    return int(value) if isinstance(value, str) else value


def _flag(value: object) -> object:
    if value not in ("true", "false"):
        raise ValueError("neither true nor false")
    return value == "true"


Flag = Annotated[bool, BeforeValidator(_flag)]
Limit = Annotated[int, BeforeValidator(_count), Field(ge=1, le=MOST)]
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,2048}$")]


class Query(BaseModel):
    """Base of all queries: every parameter is known, and sent at most once."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ForceQuery(Query):
    """Whether to take away what usually has to stay."""

    force: Annotated[Flag, Field(description="Even the last steward.")] = False


class Page(Query):
    """A page of a list: `cursor` is that of the page before."""

    limit: Limit = USUAL
    cursor: Cursor | None = None

    def after(self, shape: re.Pattern[str] = NAME) -> str:
        """Return the place after which the page begins, empty for the first page.

        The place is of the form `shape`.  Raises InvalidRequest.
        """
        if self.cursor is None:
            return ""
        try:
            place = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)).decode("utf-8")
        except (binascii.Error, ValueError):
            place = ""
        if not shape.fullmatch(place) or cursor(place) != self.cursor:
            raise InvalidRequest("cursor: not a cursor of this list.")
        return place

    def following(self, names: Sequence[str]) -> str | None:
        """Return the cursor of the page after one with these names; None at the end, which a full page may be, too."""
        return cursor(names[-1] if len(names) == self.limit else None)


def cursor(place: str | None) -> str | None:
    """Return what a caller sends to go on after a place; None at the end."""
    return None if place is None else base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode()
