"""Signed tokens in compact form, taken apart strictly before any of them is believed.

`parse` looks at form only: what it returns is *unverified* and typed so.  `verify` turns it into `VerifiedClaims` with
a key that the caller chose; the token has no say in that beyond naming an algorithm that must be the key's own.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NewType

from vendor.errors import InvalidToken
from vendor.identity.jwk import VerifyingKey
from vendor.secret import RawToken
from vendor.strict_json import BadJson, parse_object

UnverifiedClaims = NewType("UnverifiedClaims", dict[str, object])
"""What a token says about itself.  Good for looking up who should be asked, and for nothing else."""
VerifiedClaims = NewType("VerifiedClaims", dict[str, object])
"""Claims whose signature has been checked with a key of the issuer they name."""

MAX_KID_LENGTH = 256
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# Members that would let the token choose its own key, or change how it is to be read (RFC 8725, 3.1 and 3.10).
_FORBIDDEN_HEADERS = ("crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc", "cty")


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token in its parts.  `typ` is in lower case without `application/`, None when the header has none."""

    signing_input: bytes
    signature: bytes
    algorithm: str
    kid: str | None
    typ: str | None
    claims: UnverifiedClaims

    @property
    def issuer(self) -> str | None:
        """The issuer the token names; None when it is not a text."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else None


def parse(token: RawToken) -> UnverifiedToken:
    """Take `token` apart.  Raises InvalidToken for everything that is not one plain signed token."""
    parts = token.reveal().split(".")
    if len(parts) != 3:  # two is unsigned, five is encrypted
        raise InvalidToken("The token does not have the three parts of a signed JWT.")
    header = _object(parts[0], "header")
    claims = _object(parts[1], "payload")
    _check_header(header)
    return UnverifiedToken(
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=_base64url(parts[2], "signature"),
        algorithm=_text_member(header, "alg") or "",
        kid=_text_member(header, "kid"),
        typ=_media_type(_text_member(header, "typ")),
        claims=UnverifiedClaims(claims),
    )


def verify(token: UnverifiedToken, key: VerifyingKey) -> VerifiedClaims:
    """Return the claims if `key` signed them with the algorithm that the token names.  Raises InvalidToken."""
    if not key.fits(token.algorithm):
        raise InvalidToken("The token names an algorithm that its key is not for.")
    if not key.verify(token.algorithm, token.signing_input, token.signature):
        raise InvalidToken("The token's signature is wrong.")
    return VerifiedClaims(dict(token.claims))


def _check_header(header: dict[str, object]) -> None:
    for name in _FORBIDDEN_HEADERS:
        if name in header:
            raise InvalidToken(f"The token's header has the member {name}, which is not accepted.")


def _object(part: str, name: str) -> dict[str, object]:
    try:
        return parse_object(_base64url(part, name))
    except BadJson as problem:
        raise InvalidToken(f"The token's {name} is refused: {problem}.") from None


def _base64url(part: str, name: str) -> bytes:
    """Decode base64url in its one canonical form: no padding, no stray bits at the end."""
    if not _BASE64URL.fullmatch(part):
        raise InvalidToken(f"The token's {name} is not base64url.")
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise InvalidToken(f"The token's {name} is not base64url.") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != part:
        raise InvalidToken(f"The token's {name} is not in canonical base64url.")
    return data


def _text_member(header: dict[str, object], name: str) -> str | None:
    value = header.get(name)
    if value is None and name not in header:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_KID_LENGTH:
        raise InvalidToken(f"The member {name} of the token's header is not a text of reasonable length.")
    return value


def _media_type(typ: str | None) -> str | None:
    return None if typ is None else typ.lower().removeprefix("application/")
