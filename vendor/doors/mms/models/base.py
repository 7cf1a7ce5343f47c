"""What all bodies and answers are made from."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NOT_CONFIGURED: Final = "not-configured"
REDACTED: Final = "<redacted>"

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Names = Annotated[list[str], Field(max_length=500)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
AccessLevel = Literal["read_write", "read_only"]


class Model(BaseModel):
    """Base of all answers.  Every field is always sent, so every field is promised."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Strict(BaseModel):
    """Base of bodies that take no unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Lenient(BaseModel):
    """Base of bodies whose unknown members are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")
