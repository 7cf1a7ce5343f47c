"""A change of governance: what must still hold, what is then written, all of it in one step."""

from dataclasses import dataclass, field
from typing import Final

REVISION: Final = None
"""In an op, stands for the revision that the change brings about."""

Part = str | int | None


@dataclass(slots=True)
class Change:
    """A change to be made in one step.

    `checks` are `(name, field, expected)`: a text, False for absent, True for present.  `room` are `(command, name,
    most)`: the collection must have fewer members.  `ops` are Redis commands on governance keys (HSET, HDEL, DEL,
    ZADD, ZREM).
    """

    checks: list[tuple[str, str, str | bool]] = field(default_factory=list)
    room: list[tuple[str, str, int]] = field(default_factory=list)
    ops: list[tuple[Part, ...]] = field(default_factory=list)

    def require(self, key: str, name: str, expected: str | bool) -> None:
        """Do nothing at all unless the field has this value."""
        self.checks.append((key, name, expected))

    def require_room(self, command: str, key: str, most: int) -> None:
        """Do nothing at all unless the collection has fewer than `most` members, counted by HLEN or ZCARD."""
        self.room.append((command, key, most))

    def do(self, *op: Part) -> None:
        """Add a command."""
        self.ops.append(op)

    def put(self, key: str, fields: dict[str, str | None]) -> None:
        """Set fields of a hash."""
        self.do("HSET", key, *(part for pair in fields.items() for part in pair))
