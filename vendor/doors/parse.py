"""Parts of requests that several doors read: names in paths, revisions, pages."""

import re
from typing import Final

from starlette.requests import Request

from vendor.errors import InvalidRequest
from vendor.names import TenantName, UserName, parse_tenant_name, parse_user_name

_ETAG: Final = re.compile(r'"(\d{1,18})"', re.ASCII)
_COUNT: Final = re.compile(r"\d{1,4}", re.ASCII)
_CURSOR: Final = re.compile(r"[a-z0-9._-]{1,128}", re.ASCII)
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
    """Return the revision that the caller insists on; None where there is no `If-Match`, or any will do (`*`).

    Raises InvalidRequest for a value that is not one of our ETags.
    """
    sent = request.headers.getlist("if-match")
    if not sent or sent == ["*"]:
        return None
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


def page(query: dict[str, str]) -> tuple[str, int]:
    """Return the cursor (empty for the first page) and the number of entries asked for.  Raises InvalidRequest."""
    limit, cursor = query.get("limit", str(USUAL)), query.get("cursor", "")
    if not _COUNT.fullmatch(limit) or not 1 <= int(limit) <= MOST:
        raise InvalidRequest(f"limit: not a number from 1 to {MOST}.")
    if cursor and not _CURSOR.fullmatch(cursor):
        raise InvalidRequest("cursor: not a cursor of this gateway.")
    return cursor, int(limit)
