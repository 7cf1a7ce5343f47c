"""What the documents in a store are called.

SeaweedFS takes letters, digits, `_` and `-` in the name of a policy and nothing else (measured), and the claim that
names several separates them by commas.  No two punctuation marks follow each other in a user's name, so a pair of them
can stand for what is not allowed: `__` for a dot, `-_` before a variant.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from vendor.names import UserName

_NAME: Final = re.compile(r"-ceiling-([0-9]{1,3})-([0-9]{1,3})-([a-z0-9_-]+?)(?:-_([0-9a-f]{16}))?", re.ASCII)

_MARKER: Final = re.compile(r"-state-[0-9a-f]{16}", re.ASCII)


class Place(NamedTuple):
    """What a name stands for."""

    user: UserName
    variant: str
    slot: int


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one gateway's documents; `prefix` tells several gateways on one store apart."""

    prefix: str

    def of(self, user: UserName, variant: str, slot: int, part: int) -> str:
        """Return the name of one part of what one slot of a user holds; `variant` is empty or hexadecimal."""
        who = user.replace(".", "__") + (f"-_{variant}" if variant else "")
        return f"{self.prefix}-ceiling-{slot}-{part}-{who}"

    def marker(self, state: str) -> str:
        """Return the name of the document by which a state of this id says that the prefix is its own."""
        return f"{self.prefix}-state-{state}"

    def markers(self, names: Iterable[str]) -> set[str]:
        """Return those of these names that are markers under this prefix, of whichever state."""
        return {name for name in names if name.startswith(self.prefix) and _MARKER.fullmatch(name, len(self.prefix))}

    def parse(self, name: str) -> Place | None:
        """Return what a policy found in a store stands for; None if it is none of these documents."""
        found = _NAME.fullmatch(name, len(self.prefix)) if name.startswith(self.prefix) else None
        if found is None:
            return None
        return Place(UserName(found[3].replace("__", ".")), found[4] or "", int(found[1]))
