"""As many users as a load wants: their identity tokens, signed with the development provider's own key."""

import json
from collections.abc import Iterator
from typing import Any

import jwt

from vendor.dev.stack import Stack


def tokens(stack: Stack, name: str, users: int) -> Iterator[str]:
    """Sign an identity token for each user `NAME0`, `NAME1`…, like the one that the provider gave to alice."""
    alice = stack.tokens["alice"]
    claims = json.dumps(jwt.decode(alice, options={"verify_signature": False}))
    key, key_id = stack.idp.signing_key(), jwt.get_unverified_header(alice)["kid"]
    for number in range(users):
        theirs: dict[str, Any] = json.loads(claims.replace('"alice"', f'"{name}{number}"'))
        yield jwt.encode(theirs, key, algorithm="RS256", headers={"kid": key_id})
