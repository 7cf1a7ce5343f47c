"""Keep, replace and remove policy documents in a store that runs."""

from typing import Protocol

from vendor.stores.ceilings.canned import CannedPolicies
from vendor.stores.ceilings.iam import IamPolicies
from vendor.stores.ceilings.operator import Operator
from vendor.stores.profile import CeilingApi
from vendor.stores.store import Store
from vendor.times import Clock


class Keeper(Protocol):
    """One store's documents.  Every method raises StoreUnavailable and StoreRefused.

    What `put` has acknowledged counts for the next call with any keys that name the document.
    """

    async def put(self, name: str, text: str) -> None:
        """Keep a document, in place of an earlier one of this name."""
        ...

    async def remove(self, name: str) -> None:
        """Remove a document; one that is gone already is no failure."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all policies in the store, ours and others."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def keeper_of(store: Store, clock: Clock) -> Keeper | None:
    """Return the keeper for a store, None where it keeps no documents of ours."""
    policy = store.settings.operator_policy
    if policy is None or store.profile.ceilings is None or store.settings.service_key is not None:
        return None
    operator = Operator(store, policy, clock)
    return CannedPolicies(operator) if store.profile.ceilings is CeilingApi.CANNED else IamPolicies(operator)
