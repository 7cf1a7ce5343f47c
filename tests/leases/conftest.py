"""Gateways on real stores, in every mode that a store has."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from tests.support.gateways import Api, api
from tests.support.house import House
from tests.support.shop import Shop, open_shop
from vendor.dev.stack import Stack


@dataclass(frozen=True)
class Site:
    """A gateway that asks its store in one particular way."""

    stack: Stack
    url: str

    def api(self, user: str | None) -> Api:
        """Return calls to this gateway as one of the stack's users."""
        return api(self.stack, user, url=self.url)


@pytest.fixture(
    scope="session",
    params=[
        "seaweedfs-web-identity",
        "seaweedfs-assume-role",
        "juicefs-web-identity",
        pytest.param("minio-web-identity", marks=pytest.mark.minio),
        pytest.param("minio-assume-role", marks=pytest.mark.minio),
    ],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each store, asked by web identity and, where the gateway has a service key, by AssumeRole."""
    kind, _, mode = str(request.param).partition("-")
    stack: Stack = request.getfixturevalue(f"{kind}_stack")
    if mode == "web-identity":
        yield Site(stack, stack.gateway.url)
        return
    added = stack.add_gateway(f"{request.param}", **stack.store.site.settings(mode))
    yield Site(stack, added.url)
    added.child.stop()


@pytest.fixture
async def shop(house: House) -> AsyncIterator[Shop]:
    """All use cases of leases, on governance in a real Valkey and a store that counts."""
    shop = open_shop(house)
    yield shop
    await shop.close()
