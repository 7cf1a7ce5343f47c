"""How far sealing is behind, as metrics tell it."""

import base64
import time
from dataclasses import dataclass

from vendor.audit.event import Actor, Event, Kind, Origin
from vendor.audit.log import AuditLog
from vendor.audit.seal import Sealer
from vendor.audit.trail import Trail
from vendor.database import Database
from vendor.secret import Secret


@dataclass
class Ahead:
    """A clock that can be set forward."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


class Unchecked:
    """Signs nothing; nobody looks here."""

    def sign(self, payload: bytes, _kind: str) -> str:
        """Return the payload between two dots, as a JWS has it."""
        return f"e30.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.x"

    def jwks(self) -> dict[str, object]:
        """Return no keys."""
        return {"keys": []}


async def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_sealed(valkey: str) -> None:
    database, clock = Database.open(Secret(valkey)), Ahead()
    log = AuditLog(database, "{t}:audit")
    sealer, trail = Sealer(log, Unchecked(), "g", clock), Trail(database, "{t}:audit")
    try:
        assert await sealer.lag() == 0.0
        for number in range(3):
            await trail.write(Event(Kind.VEND_ISSUED, number, Actor("a", "i", "s"), Origin("r_1", "test")))
        assert await sealer.lag() < 60
        clock.seconds = 100
        assert 100 <= await sealer.lag() < 160
        assert await sealer.step()
        assert await sealer.lag() == 0.0
    finally:
        await database.close()
