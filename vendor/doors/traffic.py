"""What one process has answered: requests by route template and status, and refusals by code."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from vendor.doors.operation import OPERATION
from vendor.doors.render import REFUSAL
from vendor.tally import OTHER, Timings

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def place_of(scope: Scope) -> tuple[str, str]:
    """Return the method and the template of the route, each `other` where the code declares none such."""
    operation = scope.get(OPERATION)
    route = OTHER if operation is None else str(operation.path)
    return scope["method"] if scope["method"] in METHODS else OTHER, route


@dataclass(slots=True)
class Traffic:
    """Counted by what the code declares: a path without an operation is `other`, whatever it was."""

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: dict[str, Timings] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    under_way: int = 0

    def answered(self, scope: Scope, status: int | None, seconds: float) -> None:
        """Count one request; `status` is None for a client that went away before its answer."""
        method, route = place_of(scope)
        self.requests[method, route, str(status or "none")] += 1
        self.seconds.setdefault(route, Timings()).add(seconds)
        if REFUSAL in scope:
            self.refusals[scope[REFUSAL]] += 1
