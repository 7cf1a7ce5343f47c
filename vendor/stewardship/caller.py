"""A request as the use cases see it: who asks, and where from."""

from dataclasses import dataclass

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.identity.principal import Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and the origin of the request."""

    principal: Principal
    origin: Origin

    def event(self, kind: Kind, now: float, **facts: object) -> Event:
        """Open the event of something this caller does."""
        principal = self.principal
        actor = Actor(principal.name, principal.issuer, principal.subject, principal.admin)
        return Event(kind, now, actor, self.origin, facts=facts)
