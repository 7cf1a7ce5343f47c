"""Values that must never be printed, logged, pickled or compared in variable time.

A `Secret` shows itself as `***` everywhere; the one way to its text is `reveal()`, which is easy to search for
and is called only where the value leaves towards its rightful owner.
"""

import hmac
from typing import Any, NoReturn, Self, final

MASK = "***"
_PROOF_LABEL = b"vendor: proof of a token, version 1"


class Secret:
    """A text that prints as `***`.  Compares in constant time; cannot be hashed, pickled or copied."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment]  # a hash table compares in variable time, and its keys get printed

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


@final
class RawToken(Secret):
    """An identity token as a caller sent it; nothing about it has been verified."""


@final
class LeaseToken(Secret):
    """The bearer token that renews one lease."""


@final
class Proof(Secret):
    """What is kept of a token to seal with: made from all of it, and from nothing that is stored anywhere."""


def proof_of(token: RawToken | LeaseToken) -> Proof:
    """Return the proof that somebody showed `token`.  Its label keeps it apart from every other hash of a token."""
    return Proof(hmac.digest(_PROOF_LABEL, token.reveal().encode("utf-8", "surrogatepass"), "sha256").hex())


@final
class WebIdentityToken(Secret):
    """A token the gateway signed for a store.  Redeemed by the gateway itself, never handed out."""


@final
class SecretKey(Secret):
    """The secret half of an S3 key pair."""


@final
class SessionToken(Secret):
    """The session token that belongs to temporary S3 keys."""
