"""What of an event somebody who is no administrator sees: all of what they did, and what others did that concerns them.

Pure functions.  Of others' doings the address and the sign-in of whoever did it are left out, and so are the other
people that the same share was for.
"""

from collections.abc import Mapping
from typing import Any


def seen_by(event: Mapping[str, Any], user: str) -> dict[str, Any]:
    """Return the event as `user`, whom it is about, may see it."""
    shown = dict(event)
    actor = event.get("actor")
    name = actor.get("name") if isinstance(actor, dict) else None
    if name == user:
        return shown
    shown["actor"] = {"name": name}
    shown.pop("client", None)
    shares = event.get("shares")
    if isinstance(shares, dict) and event.get("owner") != f"user:{user}":
        shown["shares"] = {share: target for share, target in shares.items() if target == f"user:{user}"}
    return shown
