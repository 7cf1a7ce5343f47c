"""The pair that programs sign with: made here, known here alone, and good for nothing but this machine's proxy."""

import json
import re
import secrets
import string
from pathlib import Path
from typing import Final

from vendor.client import files
from vendor.client.errors import UnsafeFile
from vendor.integrations.proxy.sigv4 import Pair
from vendor.secret import SecretKey

_ACCESS_KEY: Final = re.compile(r"VEND[A-Z0-9]{16}", re.ASCII)
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{40}", re.ASCII)


def new_pair() -> Pair:
    """Return a pair nobody can guess."""
    letters = string.ascii_uppercase + string.digits
    name = "".join(secrets.choice(letters) for _ in range(16))
    return Pair(f"VEND{name}", SecretKey(secrets.token_urlsafe(30)))


def kept_pair(file: Path) -> Pair:
    """Return the pair in a private file, which is made when there is none: the same after a restart.

    Raises UnsafeFile.
    """
    content = files.read_private(file)
    if content is None:
        pair = new_pair()
        text = json.dumps({"access_key": pair.access_key, "secret_key": pair.secret.reveal()})
        files.write_private(file, text.encode())
        return pair
    try:
        found = json.loads(content)
        access_key, secret = str(found["access_key"]), str(found["secret_key"])
    except (ValueError, KeyError, TypeError):
        raise _not_a_pair(file) from None
    if not _ACCESS_KEY.fullmatch(access_key) or not _SECRET.fullmatch(secret):
        raise _not_a_pair(file)
    return Pair(access_key, SecretKey(secret))


def _not_a_pair(file: Path) -> UnsafeFile:
    return UnsafeFile(f"{file} does not hold a pair of this proxy.", remedy="Name another file, or remove it.")
