"""What entries and rules in audit mode would have done: facts for the audit log, without any effect."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vendor.identity.principal import Principal


@dataclass(frozen=True, slots=True)
class Observation:
    """One entry, or one rule of it, tried on one token.

    `admitted` with the `principal` that would have come out, or not with the `reason`.  `rule` is None when the whole
    entry is in audit mode and its token was refused before any rule was asked.
    """

    trusted_by: str
    rule: str | None
    subject: str
    admitted: bool
    principal: Principal | None = None
    reason: str | None = None


Observer = Callable[[Observation], Awaitable[None]]
"""Records an observation.  What it raises is logged and has no effect on the caller."""
