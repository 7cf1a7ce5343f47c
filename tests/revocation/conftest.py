"""People of a test's own on a shared stack, so that nobody else's leases or shares are in the way."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.gateways import Api, api, s3_of
from tests.support.house import House
from tests.support.sts import allowed
from tests.support.vault import Guarded, open_guarded
from vendor.dev.stack import Stack
from vendor.dev.users import KBASE_ROLE
from vendor.leases.ceilings import worker as worker_module

BUCKET = "cdm-lake"


@dataclass
class Scene:
    """A stack with people and tenants that were made for one test."""

    stack: Stack
    admin: Api
    _open: list[Api] = field(default_factory=list)

    def person(self, name: str = "", url: str | None = None) -> Api:
        """A user who has signed in, with an object in their home."""
        name = name or f"u{secrets.token_hex(5)}"
        self.stack.store.site.client().put_object(Bucket=BUCKET, Key=self.key(name), Body=b"1")
        self.stack.kbase.add_user(name, [KBASE_ROLE])
        calls = Api(url or self.stack.gateway.url, self.stack.kbase.issue(name))
        self._open.append(calls)
        assert calls.call("GET", "/v1/whoami").status_code == 200
        return calls

    def name(self, calls: Api) -> str:
        return str(calls.call("GET", "/v1/whoami").json()["principal"])

    def tenant(self, *members: str) -> str:
        """A tenant with an object and members."""
        name = f"t{secrets.token_hex(5)}"
        assert self.admin.call("PUT", f"/v1/tenants/{name}", {}).status_code == 201
        for member in members:
            done = self.admin.call("PUT", f"/v1/tenants/{name}/members/{member}", {"access": "read_only"})
            assert done.status_code < 300, done.text
        key = f"tenant-general-warehouse/{name}/x"
        self.stack.store.site.client().put_object(Bucket=BUCKET, Key=key, Body=b"1")
        return name

    def key(self, name: str) -> str:
        return f"users-general-warehouse/{name}/x"

    def share(self, owner: Api, whose: str, user: str, folder: str = "shared") -> tuple[str, str]:
        """Share a folder with an object in it; return the share's id and the key of the object."""
        key = f"users-general-warehouse/{whose}/{folder}/x"
        self.stack.store.site.client().put_object(Bucket=BUCKET, Key=key, Body=b"1")
        body = {"path": f"s3://{BUCKET}/{key[:-1]}", "with": {"users": [user]}, "access": "read"}
        made = owner.call("POST", "/v1/shares", body)
        assert made.status_code == 201, made.text
        return str(made.json()["shares"][0]["id"]), key

    def close(self) -> None:
        for calls in self._open:
            calls.__exit__()


def reader(lease: dict[str, Any]) -> Callable[[str], bool]:
    """Return what says whether a lease's keys may read an object."""
    s3 = s3_of(lease)
    return lambda key: allowed(lambda: s3.get_object(Bucket=BUCKET, Key=key))


@pytest.fixture
def scene(stack: Stack) -> Iterator[Scene]:
    """People on each store in turn."""
    with api(stack, "carol") as admin:
        made = Scene(stack, admin)
        yield made
        made.close()


@pytest.fixture
async def guarded(house: House) -> AsyncIterator[Guarded]:
    """Leases with ceilings, and a worker that has joined those who follow the feed."""
    made = open_guarded(house)
    await made.worker.database.join_group(made.worker.stream, worker_module.GROUP)
    yield made
    await made.shop.close()
    await made.aftermath.close()
