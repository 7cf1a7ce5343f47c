"""A lease: one vending relationship, as it is asked for, kept and answered.  It never holds a secret."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from vendor.errors import InvalidRequest
from vendor.governance.state import Standing
from vendor.names import UserName
from vendor.policy.grant import Ask, Level
from vendor.policy.planner import SessionPolicy
from vendor.policy.scope import Granted
from vendor.secret import LeaseToken
from vendor.stores.credentials import Credentials
from vendor.stores.store import StoreSettings

LeaseId = NewType("LeaseId", str)
"""`l_` and 20 characters of base32: 100 random bits, short enough for a session name."""


DEFAULT_STORE: Final = "default"
"""The store of whoever names none."""
MOST_ENTRIES: Final = 1000
MOST_SCOPE_BYTES: Final = 131_072  # of all paths of a scope together
MARGIN: Final = 0.05
MOST_MARGIN: Final = 30.0  # seconds


def new_lease_id() -> LeaseId:
    """Return a lease id nobody can guess."""
    return LeaseId("l_" + base64.b32encode(secrets.token_bytes(13)).decode().lower()[:20])


class PolicyForm(StrEnum):
    """What limits the keys of a lease: a policy that came with the call, documents in the store, or both."""

    SESSION = "session"
    CEILING = "ceiling"
    BOTH = "session+ceiling"


@dataclass(frozen=True, slots=True)
class LeaseAsk:
    """What a caller asks for.  Durations are in seconds; `scope` None means everything that is granted.

    `policy` is a policy document of the caller's own, which may only narrow; `at_most` is a level that nothing exceeds.
    """

    scope: tuple[Ask, ...] | None = None
    duration: int | None = None
    renewable_for: int | None = None
    store: str = DEFAULT_STORE
    partial: bool = False
    audit_context: Mapping[str, str] | None = None
    policy: str | None = None
    at_most: Level | None = None

    def require_bounded(self) -> None:
        """Raise InvalidRequest for a scope that is too large to be kept and recorded."""
        scope = self.scope or ()
        size = sum(len(ask.path.text.encode()) for ask in scope)
        if len(scope) > MOST_ENTRIES or size > MOST_SCOPE_BYTES:
            raise InvalidRequest(
                f"scope: {len(scope)} paths, {size} bytes; the limits are {MOST_ENTRIES} and {MOST_SCOPE_BYTES}.",
                remedy="Ask for less at a time, or for parents of several of the paths.",
                details={"paths": len(scope), "bytes": size},
            )


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease as it is now.  Times are in seconds since the epoch; `renewals` counts how often it was renewed.

    `policy` is its session policy, or where it has none what its `ceiling` holds, documents in the store.
    """

    id: LeaseId
    principal: UserName
    store: str
    issued_at: float
    expires_at: float
    refresh_after: float
    renewable_until: float | None
    scope: tuple[Granted, ...]
    not_granted: tuple[Ask, ...]
    policy: SessionPolicy
    policy_limit: int
    audit_context: Mapping[str, str]
    renewals: int = 0
    form: PolicyForm = PolicyForm.SESSION
    ceiling: tuple[str, ...] = ()

    @property
    def reported_end(self) -> float:
        """The end that clients are told."""
        return reported_end(self.issued_at, self.expires_at)


def reported_end(issued_at: float, expires_at: float) -> float:
    """Return the end of keys that clients are told: a little early, because some use them until the last second."""
    return expires_at - min(MOST_MARGIN, (expires_at - issued_at) * MARGIN)


@dataclass(frozen=True, slots=True)
class Issued:
    """What leaves the gateway: the lease, its keys and, when a renewable lease begins, its token.  Shown once.

    `standing` is the governance that the keys were made from.  What was `given_again` was somebody's before.
    """

    lease: Lease
    credentials: Credentials
    store: StoreSettings
    token: LeaseToken | None = None
    standing: Standing | None = field(default=None, repr=False)
    given_again: bool = False

    @property
    def revision(self) -> str:
        """The revision of that governance."""
        return "" if self.standing is None else self.standing.revision

    @property
    def digest(self) -> str:
        """The digest of that governance."""
        return "" if self.standing is None else self.standing.digest
