"""The stores, each started once, when the first test asks for it."""

from collections.abc import Iterator

import pytest

from tests.policy.live.stores import LiveStore, live_store


@pytest.fixture(scope="session", params=["seaweedfs", "juicefs", pytest.param("minio", marks=pytest.mark.minio)])
def store(request: pytest.FixtureRequest) -> Iterator[LiveStore]:
    """Every kind of store in turn."""
    with live_store(request.param) as running:
        yield running
