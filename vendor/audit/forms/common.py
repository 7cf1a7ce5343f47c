"""What all events have in common: when, who, from where, and what the gateway decided."""

from typing import Annotated, Final, Literal, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from vendor.audit.event import Kind

STRICT: Final = ConfigDict(extra="forbid", strict=True)
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Level = Literal["read", "write"]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ActorShown(TypedDict):
    """Who did it, as this gateway and as the identity provider call them.  Empty names stand for the gateway itself."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads its settings here
    name: str
    issuer: str
    subject: str
    admin: bool


class ActingShown(TypedDict):
    """Who acts for the actor, by a token exchange."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    name: str | None
    issuer: str
    subject: str


class ClientShown(TypedDict):
    """Where a request came from; what the client says of itself is not verified."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    address: str | None
    user_agent: str | None
    session: NotRequired[str]


class Common(TypedDict):
    """What every event has.  `ms` is how long it took from its opening to being recorded."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as above
    schema: Literal[1]
    event_id: Annotated[str, Field(pattern="^e_[0-9a-f]{32}$", description="A UUIDv7; says when an event came twice.")]
    time: Time
    ms: Annotated[float, Field(ge=0)]
    kind: Kind
    decision: Literal["allowed", "denied", "failed"]
    reason: NotRequired[Annotated[str, Field(description="The error code of a refusal or failure.")]]
    request_id: str
    trace_id: NotRequired[Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="Of the W3C traceparent.")]]
    door: str
    client: ClientShown
    actor: ActorShown
    act: NotRequired[ActingShown]
    break_glass: NotRequired[Literal[True]]


class AboutUser(Common):
    """Something about a user."""

    user: str
