"""Answers that are read line by line while they come, however long they are: audit pages, exports and tails.

The gateway may go on for as long as it likes; a line may not, and neither may a silence.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from vendor.client import calls, http
from vendor.client.address import ServiceUrl
from vendor.client.errors import BadAnswer

LONGEST_LINE = 1024 * 1024
SILENCE = 45.0
"""Seconds without a byte after which the other end is taken for gone; a tail says something every 15."""
_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that has begun: its headers, and its lines with their ends as they come."""

    headers: Mapping[str, str]
    lines: Iterator[bytes] = field(repr=False)


@contextmanager
def opened(
    gateway: ServiceUrl, path: str, params: Mapping[str, str], headers: Mapping[str, str], kind: str
) -> Iterator[Streamed]:
    """Open a GET whose answer is of the content type `kind`.  Raises what the gateway refuses with, or Unavailable."""
    options = http.options(gateway)
    del options["event_hooks"]  # they bound the whole
    options["headers"] |= {"accept": f"{kind}, application/json"}
    options["timeout"] = httpx2.Timeout(connect=5.0, read=SILENCE, write=10.0, pool=5.0)
    try:
        with (
            httpx2.Client(**options) as web,
            web.stream("GET", gateway + path, params=dict(params), headers=dict(headers)) as response,
        ):
            if response.status_code != 200 or _kind(response.headers) != kind:
                content = _beginning(response)
                calls.read_answer(response.status_code, response.headers, content, gateway)
                raise BadAnswer(f"{gateway} did not answer as a gateway does (no {kind}).")
            yield Streamed(response.headers, _lines(response.iter_bytes()))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise http.explain(error, gateway) from error


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()


def _beginning(response: httpx2.Response) -> bytes:
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _REFUSAL_BYTES:
            raise BadAnswer(f"The refusal is longer than {_REFUSAL_BYTES} bytes.")
    return content


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(held) > LONGEST_LINE:
            raise BadAnswer("A line of the answer is far too long.")
    if held:
        yield held
