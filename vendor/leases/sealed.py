"""Seal keys so that Redis may hold them: what is kept opens only for whoever shows the lease token again.

The sealing key is made from the whole token (HKDF-SHA256) and is never kept; the text is encrypted with AES-256-GCM
under a fresh nonce, and bound to what it is sealed for, so that it opens as nothing else.
"""

import base64
import binascii
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vendor.secret import Secret

_NONCE: Final = 12
_BLOCK: Final = 256  # lengths are rounded up to this: they would tell how much a policy allows
_INFO: Final = b"vendor: sealed keys, version 1"


def seal(token: Secret, bound: str, text: str) -> str:
    """Return `text` so that only the same token opens it again, and only as what it is `bound` to."""
    nonce = secrets.token_bytes(_NONCE)
    content = text.encode()
    padded = content + b" " * (-len(content) % _BLOCK)
    return base64.b64encode(nonce + _cipher(token).encrypt(nonce, padded, bound.encode())).decode()


def unseal(token: Secret, bound: str, sealed: str) -> str | None:
    """Return the text again; None for anything that was not sealed with this token and bound to the same."""
    try:
        content = base64.b64decode(sealed, validate=True)
        opened = _cipher(token).decrypt(content[:_NONCE], content[_NONCE:], bound.encode())
    except (InvalidTag, binascii.Error, ValueError):
        return None
    return opened.rstrip(b" ").decode()


def _cipher(token: Secret) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(token.reveal().encode()))
