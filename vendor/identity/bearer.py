"""The token out of the Authorization header, and nothing else about it.

Which characters a bearer token may have is RFC 6750, section 2.1 (b68token); what it means is not looked at here.
"""

import re
from collections.abc import Sequence

from vendor.errors import InvalidToken, MissingToken, TooLarge
from vendor.secret import RawToken

MAX_TOKEN_BYTES = 32 * 1024
"""Longer than any token that a known identity provider issues, shorter than what costs anything to refuse."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def bearer(headers: Sequence[str]) -> RawToken:
    """Return the bearer token, given all values of the request's Authorization headers.

    Raises MissingToken when there is no such header, TooLarge over 32 KiB, and InvalidToken for everything that is not
    exactly one bearer token: two headers would let a proxy and the gateway read different ones.
    """
    if not headers:
        raise MissingToken
    if len(headers) > 1:
        raise InvalidToken("The request carries more than one Authorization header.")
    if len(headers[0]) > MAX_TOKEN_BYTES:
        raise TooLarge(f"The Authorization header is longer than {MAX_TOKEN_BYTES} bytes.")
    scheme, _, token = headers[0].strip(" \t\r\n").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken("The Authorization header does not use the scheme Bearer.")
    return checked_token(token.strip(" \t\r\n"))


def checked_token(text: str) -> RawToken:
    """Return `text` as a token that has at least a token's form and size, however it arrived."""
    if len(text) > MAX_TOKEN_BYTES:
        raise TooLarge(f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    if not _TOKEN.fullmatch(text):
        raise InvalidToken("The bearer token is empty or has characters that no token has.")
    return RawToken(text)
