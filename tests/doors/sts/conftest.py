"""The STS door of the shared stack on SeaweedFS."""

from collections.abc import Iterator

import pytest

from tests.doors.sts.asking import Sts
from vendor.dev.stack import Stack


@pytest.fixture
def sts(seaweedfs_stack: Stack) -> Iterator[Sts]:
    door = Sts(seaweedfs_stack)
    with door.web:
        yield door
