"""Events about the gateway itself: whom it let in or not, what was done with its log, how its stores are."""

from typing import Annotated

from pydantic import Field

from vendor.audit.forms.common import Common, Time


class Observed(Common):
    """What a trust rule in audit mode would have done."""

    trusted_by: str
    rule: str | None
    would_admit: bool
    would_refuse_for: str | None


class Rejected(Common):
    """Requests that nobody could be found behind; one event for all of the same reason within some seconds."""

    count: Annotated[int, Field(ge=1)]
    since: Time


class AuditExported(Common):
    """The audit log was exported, all of it or since a moment."""

    since: str | None


class AuditReviewed(Common):
    """A tenant's access was reviewed."""

    tenant: str
    since: str


class AuditTrimmed(Common):
    """Old events were taken out of Redis, through a cursor and its checkpoint."""

    through: str
    checkpoint: int
    events: int


class StoreProbed(Common):
    """A store was found to be in another state than before."""

    store: str
    state: str
    found: str
