"""The same keys at every ask, for clients that ask for everything they may touch, at every turn.

Nothing is kept here: identical asks are answered with the same live lease by the shield in front of vending.
"""

from dataclasses import dataclass
from typing import Final

from vendor.leases.homes import Homes
from vendor.leases.lease import Issued, LeaseAsk
from vendor.leases.shield.shield import Shield
from vendor.stewardship.caller import Caller

EVERYTHING: Final = LeaseAsk(audit_context={"given": "again"})
"""What is asked for.  The remark is how such leases are told from those that somebody asked for themself."""


@dataclass(frozen=True, slots=True)
class KeptLeases:
    """One lease of everything, per identity."""

    vending: Shield
    homes: Homes

    async def current(self, caller: Caller) -> Issued:
        """Return the caller's lease, vended now if there is none that still serves; their homes have markers then.

        Raises what `Shield.vend` raises.
        """
        issued = await self.vending.vend(caller, EVERYTHING)
        await self.homes.prepare(issued)
        return issued


def is_given_again(ask: LeaseAsk) -> bool:
    """Say whether a lease is one of those that are given again."""
    return ask.audit_context == EVERYTHING.audit_context and ask.scope is None and ask.renewable_for is None
