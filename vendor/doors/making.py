"""What a door that makes leases may refuse them for, besides who asks."""

from typing import Final

from vendor.errors import (
    Conflict,
    InvalidDuration,
    NothingGranted,
    PolicyTooLarge,
    ScopeNotGranted,
    StoreRefused,
    StoreUnavailable,
    TooManyRequests,
    UnknownLease,
    UnknownStore,
)

MAKING: Final = (
    InvalidDuration,
    NothingGranted,
    ScopeNotGranted,
    PolicyTooLarge,
    Conflict,
    StoreRefused,
    StoreUnavailable,
    TooManyRequests,
    UnknownStore,
)
MAKING_OR_RENEWING: Final = (*MAKING, UnknownLease)
