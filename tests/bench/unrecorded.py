"""The gateway as it would be if nothing were recorded: only for the benchmark that asks what recording costs.

Events are neither written down nor stored, and nobody looks after the log.  That what was read still holds is checked
as ever, since that is not for the log's sake.  No setting of the gateway does this, and none should.
"""

import asyncio
from collections.abc import Sequence

from vendor.audit.event import Event
from vendor.audit.leader import Leadership
from vendor.audit.trail import Trail
from vendor.database import Argument, Database, Script
from vendor.governance import state
from vendor.leases import facts

_APPEND = "redis.call('XADD', KEYS[2], '*', 'event', ARGV[6])"


def forget_everything() -> None:
    """Take recording out of the gateway in this process."""
    assert _APPEND in state.RECORD.text
    unrecorded = Script(state.RECORD.text.replace(_APPEND, ""))
    run = Database.run

    async def run_unrecorded(
        self: Database, script: Script, keys: Sequence[str], arguments: Sequence[Argument], *, repeatable: bool
    ) -> object:
        script = unrecorded if script is state.RECORD else script
        return await run(self, script, keys, arguments, repeatable=repeatable)

    async def nothing_written(_self: Trail, _event: Event) -> None:
        return

    async def nobody_leads(_self: Leadership) -> None:
        await asyncio.Event().wait()

    def no_facts(*_: object) -> dict[str, object]:
        return {}

    def no_text(_self: Event) -> str:
        return ""

    for owner, name, instead in (
        (Database, "run", run_unrecorded),
        (Trail, "write", nothing_written),
        (Leadership, "_run", nobody_leads),
        (facts, "asked", no_facts),
        (facts, "given", no_facts),
        (Event, "text", no_text),
    ):
        assert hasattr(owner, name)
        setattr(owner, name, instead)


if __name__ == "__main__":
    from vendor.operate.serve import serve

    forget_everything()
    raise SystemExit(serve())
