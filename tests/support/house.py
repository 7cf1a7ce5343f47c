"""All use cases of governance on a real Valkey, with callers made up by the tests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.callers import caller
from vendor.audit.trail import Trail, stream_key
from vendor.database import Database
from vendor.governance.keys import Keys
from vendor.governance.state import Governance
from vendor.names import TenantName, UserName
from vendor.policy.grant import Access
from vendor.policy.layout import load_layout
from vendor.secret import Secret
from vendor.settings import shipped_policies
from vendor.stewardship.desk import Desk
from vendor.stewardship.members import Members
from vendor.stewardship.reach import Reach
from vendor.stewardship.removal import Removal
from vendor.stewardship.shares import Shares
from vendor.stewardship.tenants import Metadata, Tenants
from vendor.stewardship.users import Users

KBASE = TenantName("kbase")


@dataclass
class Time:
    """A clock that moves when it is told to."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """All use cases of governance on one database."""

    database: Database
    governance: Governance
    trail: Trail
    clock: Time
    desk: Desk
    users: Users
    tenants: Tenants
    members: Members
    shares: Shares
    reach: Reach
    removal: Removal

    async def entries(self) -> list[dict[str, str]]:
        """Everything in the stream, in order, as it is kept: an `event`, and the `revision` of a change."""
        return [fields for _, fields in await self.database._client.xrange(stream_key(Keys().root))]

    async def recorded(self) -> list[dict[str, Any]]:
        """All recorded events, in order."""
        return [json.loads(fields["event"]) for fields in await self.entries()]

    async def kinds(self) -> list[str]:
        """The kinds of all recorded events, in order."""
        return [event["kind"] for event in await self.recorded()]


@asynccontextmanager
async def open_house(valkey: str) -> AsyncIterator[House]:
    """Alice is read_write in kbase and its steward, bob is read_only there; carol is an administrator, dave nobody."""
    database = Database.open(Secret(valkey))
    keys = Keys()
    stream = stream_key(keys.root)
    governance = Governance(database, keys, stream)
    clock = Time()
    desk = Desk(governance, clock)
    layout = load_layout(shipped_policies() / "layout.toml")
    made = House(
        database,
        governance,
        Trail(database, stream),
        clock,
        desk,
        Users(desk),
        Tenants(desk),
        Members(desk),
        Shares(desk, layout),
        Reach(desk, layout),
        Removal(desk),
    )
    for name in ("alice", "bob", "dave"):
        await made.users.standing(caller(name))
    carol = caller("carol", admin=True)
    await made.users.standing(carol)
    await made.tenants.put(carol, KBASE, Metadata("KBase"), revision=None)
    await made.members.set(carol, KBASE, UserName("alice"), Access.READ_WRITE, revision=None)
    await made.members.set(carol, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)
    await made.members.add_steward(carol, KBASE, UserName("alice"), revision=None)
    yield made
    await database.close()
