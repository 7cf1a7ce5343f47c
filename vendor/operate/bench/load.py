"""Load as values: what to send over HTTP/1.1, to whom and for how long, and what came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

NUMBER: Final = b"@@@@@@@@@@"
"""Where this stands in a request a number is put that no other request of the load has; as long, so lengths hold."""


class Refused(Exception):
    """An answer that makes the measurement worthless."""


class Broken(Refused):
    """A load that could not be made to its end; `outcome` is what had come of it."""

    def __init__(self, url: str, outcome: "Outcome") -> None:
        super().__init__(f"{url}: {outcome.broken}")
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, to whom, and for how long.  The `requests` are sent in turn; after `most` of them it ends.

    With a `rate` no more than so many are sent a second, and one that is late is counted from when it was due.  The
    path of the `url`, if it has one, is for whoever makes the requests.
    """

    url: str
    requests: Sequence[bytes] = field(repr=False)
    connections: int = 1
    seconds: float = 1.0
    most: int | None = None
    rate: float | None = None
    first_number: int = 0
    keep: bool = False
    ca_file: str | None = None
    ends_when_refused: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: milliseconds of every answer, in order of size, and how many there were of each status.

    `kept` are the bodies of good answers, if the load said so; they may hold keys.  `refused` is the first answer that
    was not good, `first` the first that was, and `broken` why a connection was of no use any more: then the load ended
    early.
    """

    seconds: float
    took: list[float] = field(repr=False)
    statuses: dict[int, int] = field(default_factory=dict)
    refused: tuple[int, bytes] | None = None
    broken: str = ""
    kept: list[bytes] = field(default_factory=list, repr=False)
    first: bytes = field(default=b"", repr=False)

    @property
    def good(self) -> int:
        """How many were answered as they should be."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def refusal(self) -> str:
        """The first answer that was not good, as text that cannot steer a terminal."""
        return f"{self.refused[0]} {self.refused[1]!a}" if self.refused else ""

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds

    def percentile(self, percent: float) -> float:
        """Return how many milliseconds that part of all answers took at most."""
        if not self.took:
            return float("nan")
        return self.took[max(0, -(-int(len(self.took) * percent) // 100) - 1)]

    def require_good(self, url: str) -> None:
        """Raise Refused if any answer was not a good one, or there was none."""
        if self.broken:
            raise Broken(url, self)
        if self.good != sum(self.statuses.values()) or not self.good:
            raise Refused(f"{url} answered {self.statuses or 'nothing'}: {self.refusal}")

    def figures(self) -> dict[str, float]:
        """Return the three figures that are told of most loads."""
        return {"per_second": self.per_second, "p50_ms": self.percentile(50), "p99_ms": self.percentile(99)}


def request(
    url: str, method: str, path: str, *, body: bytes = b"", media: str = "application/json", **headers: str
) -> bytes:
    """Return one request as it goes over the wire.  Underscores in names of headers stand for hyphens."""
    place = urlsplit(url)
    lines = [f"{method} {place.path.rstrip('/')}{path} HTTP/1.1", f"host: {place.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method in {"POST", "PUT"}:
        lines += [f"content-type: {media}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_request(url: str, path: str, content: object, token: str) -> bytes:
    """Return one POST of JSON with a bearer token."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return request(url, "POST", path, body=body, authorization=f"Bearer {token}")
