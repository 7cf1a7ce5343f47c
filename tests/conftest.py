"""Fixtures that every test may use: real servers, started when the first test asks for them, shared until the end.

Nothing heavy is imported here; a run of unit tests alone starts no server and imports none of the stack.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.parts import Parts
    from vendor.dev.idp import Idp
    from vendor.dev.kbase import KBase
    from vendor.dev.stack import Stack
    from vendor.dev.valkey import Valkey


def pytest_configure() -> None:
    """Ignore no signal that a run in the background was started to ignore: what tests start would inherit that."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def parts() -> Iterator[Parts]:
    """A state folder and a family of child processes for single servers, without a gateway."""
    from tests.support.parts import single_parts

    with single_parts() as made:
        yield made


@pytest.fixture(scope="session")
def valkey_server(parts: Parts) -> Valkey:
    """A real Valkey of the session's own, append-only, with a password."""
    return parts.valkey()


@pytest.fixture
def valkey(valkey_server: Valkey) -> str:
    """The URL of a real, empty Valkey.  Scripts loaded and data written by earlier tests are gone."""
    from tests.support.parts import emptied

    return emptied(valkey_server)


@pytest.fixture
async def house(valkey: str) -> AsyncIterator[House]:
    """Governance on the empty Valkey: alice is read_write in kbase and its steward, bob read_only; dave is nobody."""
    from tests.support.house import open_house
    from tests.support.sweeping import sweep

    async with open_house(valkey) as house:
        yield house
    sweep(valkey, made_up=True)


@pytest.fixture(scope="session")
def idp(parts: Parts) -> Idp:
    """A real OpenID provider with the users alice, bob and carol (admin)."""
    return parts.idp()


@pytest.fixture(scope="session")
def kbase_server(parts: Parts) -> KBase:
    """The KBase auth emulator of the session."""
    return parts.kbase()


@pytest.fixture
def kbase(kbase_server: KBase) -> Iterator[KBase]:
    """The KBase auth emulator, with its first users and tokens, whatever a test does to them."""
    kbase_server.reset()
    yield kbase_server
    kbase_server.reset()


@pytest.fixture(scope="session")
def seaweedfs_stack() -> Iterator[Stack]:
    """The whole development stack on SeaweedFS, seeded."""
    from tests.support.sweeping import swept
    from vendor.dev.stack import running_stack

    with running_stack("seaweedfs") as stack:
        yield stack
        swept(stack)


@pytest.fixture(scope="session")
def juicefs_stack() -> Iterator[Stack]:
    """The whole development stack on the JuiceFS gateway, seeded."""
    from tests.support.sweeping import swept
    from vendor.dev.stack import running_stack

    with running_stack("juicefs") as stack:
        yield stack
        swept(stack)


@pytest.fixture(scope="session")
def minio_stack() -> Iterator[Stack]:
    """The whole development stack on a MinIO server; the test is skipped where there is none."""
    from tests.support.sweeping import swept
    from vendor.dev.minio import find_minio
    from vendor.dev.programs import MissingProgramError
    from vendor.dev.stack import running_stack

    try:
        find_minio()
    except MissingProgramError as missing:
        pytest.skip(str(missing))
    with running_stack("minio") as stack:
        yield stack
        swept(stack)


@pytest.fixture(
    scope="session",
    params=["seaweedfs", "juicefs", pytest.param("minio", marks=pytest.mark.minio)],
)
def stack(request: pytest.FixtureRequest) -> Stack:
    """The whole development stack, on each store in turn."""
    chosen: Stack = request.getfixturevalue(f"{request.param}_stack")
    return chosen
