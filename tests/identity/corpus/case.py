"""One entry of the corpus."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.identity.world.world import World

Headers = Sequence[str]
"""The values of the request's Authorization headers."""


@dataclass(frozen=True)
class Case:
    """What is sent, and what has to come back.

    `name` is the principal's when the answer is 200.  `http_status` are answers that an HTTP server may give before the
    gateway sees the request; `over_http` is False where HTTP cannot carry the case at all.
    """

    group: int
    title: str
    status: int
    code: str
    headers: Callable[[World], Headers]
    http_status: tuple[int, ...] = ()
    over_http: bool = True

    @property
    def id(self) -> str:
        return f"{self.group:02}-{self.title}"


def token(group: int, title: str, make: Callable[[World], str], *, status: int = 401, code: str = "") -> Case:
    """A case in which one token is sent in the usual way; by default it is not a valid one."""
    return Case(group, title, status, code or _usual_code(status), lambda world: [f"Bearer {make(world)}"])


def accepted(group: int, title: str, make: Callable[[World], str], name: str) -> Case:
    """A token that is good, and the principal that it stands for."""
    return token(group, title, make, status=200, code=name)


def _usual_code(status: int) -> str:
    return {401: "invalid_token", 403: "role_required", 413: "too_large", 503: "identity_provider_unavailable"}[status]
