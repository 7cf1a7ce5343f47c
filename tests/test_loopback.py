"""Only what can be nobody but this machine is loopback."""

import pytest

from vendor.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "::", "2130706433"])
def test_anybody_else(host: str) -> None:
    assert not is_loopback(host)
