"""Bodies that do not come whole are a refusal like any other, and no failure of the gateway."""

from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request
from starlette.types import Message

from vendor.doors.body import Body, read
from vendor.doors.mms.models import Lenient
from vendor.doors.mms.reading import read_body
from vendor.errors import InvalidRequest


class Nothing(Body):
    """Takes no members."""


def broken_off() -> Request:
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}, receive)


@pytest.mark.parametrize(
    "reading",
    [lambda request: read(request, Nothing), lambda request: read_body(request, Lenient)],
    ids=["native", "mms"],
)
async def test_a_client_that_goes_away_in_the_middle(reading: Callable[[Request], Awaitable[object]]) -> None:
    with pytest.raises(InvalidRequest):
        await reading(broken_off())
