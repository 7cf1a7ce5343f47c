"""Whole states in Redis: held still while one is copied, staged beside the present one, adopted in one step.

A state that is imported is written under a generation of its own, where nobody reads.  Adopting it counts the
generation up together with the revision and the event, whatever its size; until then nothing that anybody sees has
changed, and an import that breaks off leaves rubbish, which the next one removes.  One import runs at a time.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Final

from vendor.database import Argument, Database
from vendor.errors import Conflict
from vendor.governance.change import Change
from vendor.governance.keys import Keys
from vendor.governance.state import script

HOLD_MS: Final = 5_000  # a holder that says nothing for so long has died
_SWEPT_AT_ONCE: Final = 200

HOLD: Final = script("hold")
BEGIN: Final = script("begin")
STAGE: Final = script("change", "stage")
ADOPT: Final = script("adopt")
SWEEP: Final = script("sweep")
END: Final = script("end")


class Refused(Exception):
    """A staged change was refused, and nothing of it was done.  `check` is the number of the failing check, from 0."""

    def __init__(self, check: int) -> None:
        super().__init__(f"check {check} does not hold")
        self.check = check


@dataclass(frozen=True, slots=True)
class Staged:
    """An import under way: where it writes, and the revision that its state will have."""

    generation: int
    revision: int


@dataclass(frozen=True, slots=True)
class Generations:
    """Every method raises StateUnavailable.  `token` tells one import, or one copy, from another."""

    database: Database
    keys: Keys
    stream: str
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def anew(self) -> "Generations":
        """Return the same for another import or copy."""
        return Generations(self.database, self.keys, self.stream)

    async def hold(self) -> int:
        """Hold changes back for `HOLD_MS` from now on; return the revision.  Raises Conflict while another does."""
        answer = await self.database.run(HOLD, [self.keys.root], [self.token, HOLD_MS], repeatable=True)
        if answer[0] != 1:
            raise Conflict("The whole state is being copied or imported already.")
        return int(answer[1])

    async def begin(self, revision: int) -> Staged:
        """Begin an import of a state that will follow on `revision`.  Raises Conflict while another is under way."""
        answer = await self.database.run(BEGIN, [self.keys.root], [self.token, HOLD_MS], repeatable=False)
        if answer[0] < 0:
            raise _another()
        return Staged(int(answer[0]), revision + 1)

    async def stage(self, staged: Staged, change: Change) -> None:
        """Write a part of the state.  Raises Refused, and Conflict if the import is not the one under way any more."""
        body = json.dumps({"checks": change.checks, "room": change.room, "ops": change.ops})
        arguments: list[Argument] = [self.token, HOLD_MS, staged.generation, staged.revision, body]
        answer = await self.database.run(STAGE, [self.keys.root], arguments, repeatable=False)
        if answer[0] < 0:
            raise _another()
        if answer[0] == 0:
            raise Refused(int(answer[1]) - 1)

    async def adopt(self, staged: Staged, event: str) -> int:
        """Let the staged state take the place of the present one; return the revision.

        Raises Conflict if anything has changed since `begin`, or the import is not the one under way any more.
        """
        arguments: list[Argument] = [self.token, staged.generation, staged.revision - 1, event]
        answer = await self.database.run(ADOPT, [self.keys.root, self.stream], arguments, repeatable=False)
        if answer[0] < 0:
            raise _another()
        if answer[0] == 0:
            raise Conflict("The state was changed while another was being imported; nothing was imported.")
        return int(answer[0])

    async def sweep(self) -> bool:
        """Remove a little of what is no state any more; True while there is more."""
        arguments: list[Argument] = [self.token, HOLD_MS, _SWEPT_AT_ONCE]
        answer = await self.database.run(SWEEP, [self.keys.root], arguments, repeatable=True)
        if answer[0] < 0:
            raise _another()
        return bool(answer[0])

    async def end(self) -> None:
        """Let another import begin, and changes go on."""
        await self.database.run(END, [self.keys.root], [self.token], repeatable=True)


def _another() -> Conflict:
    return Conflict("Another import is under way, or this one took too long.")
