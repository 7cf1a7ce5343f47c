"""Parts of requests that several doors read: names in paths, revisions, pages."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from vendor.errors import InvalidRequest
from vendor.names import TenantName, UserName, parse_tenant_name, parse_user_name
from vendor.stewardship.desk import ANY

_ETAG: Final = re.compile(r'"(\d{1,18})"', re.ASCII)
_COUNT: Final = re.compile(r"\d{1,4}", re.ASCII)
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,2048}", re.ASCII)
NAME: Final = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)
"""What a cursor of a list in the order of names stands for."""
MOST: Final = 500
USUAL: Final = 100


def tenant_in_path(request: Request) -> TenantName:
    """Return the `{tenant}` of the route.  Raises InvalidName."""
    return parse_tenant_name(str(request.path_params["tenant"]))


def user_in_path(request: Request) -> UserName:
    """Return the `{user}` of the route.  Raises InvalidName."""
    return parse_user_name(str(request.path_params["user"]))


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


def one_of_query(request: Request, *known: str) -> dict[str, str]:
    """Return the query parameters.  Raises InvalidRequest for an unknown or repeated one."""
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise InvalidRequest(f"{name[:40]!a} is not a parameter of this request.")
        if name in values:
            raise InvalidRequest(f"{name}: given more than once.")
        values[name] = value
    return values


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a parameter that is `true` or `false`, which it is without being given.  Raises InvalidRequest."""
    value = query.get(name, "false")
    if value not in {"true", "false"}:
        raise InvalidRequest(f"{name}: neither true nor false.")
    return value == "true"


def page(query: Mapping[str, str], shape: re.Pattern[str] = NAME) -> tuple[str, int]:
    """Return the place after which the page begins (empty for the first page), and its length.

    The place is of the form `shape`.  Raises InvalidRequest.
    """
    limit, sent = query.get("limit", str(USUAL)), query.get("cursor", "")
    if not _COUNT.fullmatch(limit) or not 1 <= int(limit) <= MOST:
        raise InvalidRequest(f"limit: not a number from 1 to {MOST}.")
    if "cursor" not in query:
        return "", int(limit)
    try:
        place = base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        place = ""
    if not _CURSOR.fullmatch(sent) or not shape.fullmatch(place) or cursor(place) != sent:
        raise InvalidRequest("cursor: not a cursor of this list.")
    return place, int(limit)


def cursor(place: str | None) -> str | None:
    """Return what a caller sends to go on after a place; None at the end."""
    return None if place is None else base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode()
