"""Where homes and tenants lie at a gateway, as a call."""

from collections.abc import Mapping
from dataclasses import dataclass

from vendor.client.answers import Reader
from vendor.client.calls import Call


@dataclass(frozen=True, slots=True)
class Layout:
    """Where homes and tenants lie: `(bucket, template)` by kind, as `("lake", "homes/{user}/")`."""

    homes: Mapping[str, tuple[str, str]]
    tenants: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, value: object) -> "Layout":
        entry = Reader(value)

        def templates(member: str) -> dict[str, tuple[str, str]]:
            table = entry.object(member)
            each = {kind: table.object(kind) for kind in table.raw}
            return {kind: (item.text("bucket"), item.text("path")) for kind, item in each.items()}

        return cls(templates("homes"), templates("tenants"))


def layout() -> Call[Layout]:
    """Where homes and tenants lie at this gateway."""
    return Call("GET", "/v1/layout", Layout.read)
