"""A request as the use cases see it: who asks, and where from."""

from dataclasses import dataclass

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.errors import RoleRequired
from vendor.governance.records import Target, TargetKind
from vendor.identity.principal import Principal
from vendor.names import UserName


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and the origin of the request."""

    principal: Principal
    origin: Origin

    @property
    def name(self) -> UserName:
        """The principal's name."""
        return self.principal.name

    @property
    def admin(self) -> bool:
        """Whether the principal is an administrator."""
        return self.principal.admin

    @property
    def home(self) -> Target | None:
        """The caller as an owner; None for one without a home."""
        owns = self.principal.has_home and self.principal.acts_for is None
        return Target(TargetKind.USER, self.principal.name) if owns else None

    def event(self, kind: Kind, now: float, **facts: object) -> Event:
        """Open the event of something this caller does."""
        principal = self.principal
        actor = Actor(principal.name, principal.issuer, principal.subject, principal.admin)
        if principal.break_glass:
            facts["break_glass"] = True
        if (acting := principal.acted_by) is not None:
            facts["act"] = {"name": acting.name, "issuer": acting.issuer, "subject": acting.subject}
        return Event(kind, now, actor, self.origin, facts=facts)


def require_admin(caller: Caller, action: str) -> None:
    """Raise RoleRequired unless the caller is an administrator."""
    if not caller.admin:
        raise RoleRequired(f"Only an administrator can {action}.", remedy="Ask an administrator.")


def require_unlimited(caller: Caller) -> None:
    """Raise RoleRequired for one who has only part of a user's rights: who may do what is not theirs to change."""
    if caller.principal.acts_for is not None or caller.principal.max_scope is not None:
        raise RoleRequired(
            "This identity is limited to part of what its user may do, and cannot change who may do what.",
            remedy="Sign in as a person.",
        )
