"""Parameters of doors that take forms: from a form-encoded body, and where a door allows it from the query.

A parameter comes once, wherever it comes from: of two, a proxy and the gateway could read different ones.  Values are
UTF-8.  Messages name parameters, shortened and as ASCII, and never their values: those may be tokens.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from vendor.doors.body import whole
from vendor.errors import InvalidRequest, UnsupportedMediaType

FORM: Final = "application/x-www-form-urlencoded"
MOST: Final = 100


class Parameters:
    """What was sent, by name."""

    def __init__(self, pairs: Collection[tuple[str, str]], repeatable: Collection[str] = ()) -> None:
        """Raises InvalidRequest for one that comes twice and is not `repeatable`."""
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            values = self._values.setdefault(name, [])
            if values and name not in repeatable:
                raise InvalidRequest(f"{shown(name)}: given more than once.")
            values.append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> str | None:
        """Return a parameter; None if it was not sent."""
        values = self._values.get(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter that may come more than once."""
        return list(self._values.get(name, ()))

    def required(self, name: str) -> str:
        """Return a parameter.  Raises InvalidRequest if it is missing or empty."""
        value = self.get(name)
        if not value:
            raise InvalidRequest(f"{name}: missing.")
        return value

    def only(self, known: Collection[str], why: Mapping[str, str]) -> None:
        """Raise InvalidRequest for a parameter that is not `known`; `why` has reasons, by what its name begins with."""
        for name in self._values:
            if name not in known:
                reason = next((said for start, said in why.items() if name.startswith(start)), "not a parameter here.")
                raise InvalidRequest(f"{shown(name)}: {reason}")


async def read(request: Request, *, query: bool, repeatable: Collection[str] = ()) -> Parameters:
    """Read the parameters of a request, from its body and, if `query` says so, its query.

    Raises InvalidRequest, UnsupportedMediaType and TooLarge.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is encoded.")
    sent = request.scope["query_string"]
    if sent and not query:
        raise InvalidRequest("Parameters are taken from the body only; a query ends up in logs.")
    body = await whole(request)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media != FORM:
        raise UnsupportedMediaType(f"The body is not declared as {FORM}.")
    return Parameters([*_pairs(sent), *_pairs(body)], repeatable)


def shown(name: str) -> str:
    """Return a parameter's name as it may be shown."""
    return "".join(character if "!" <= character <= "~" else "?" for character in name[:40])


def _pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:
        raise InvalidRequest("The parameters are not form-encoded UTF-8, or too many.") from None
