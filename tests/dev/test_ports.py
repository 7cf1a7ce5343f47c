"""Ports are free when they are picked, and stay so until they are released."""

import socket

import pytest

from vendor.dev.ports import LOOPBACK, PortTakenError, Reservation, is_free


def test_reserved_ports_are_distinct_and_kept_from_others() -> None:
    with Reservation(20) as reserved:
        assert len(set(reserved.ports)) == 20
        for port in reserved.ports:
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind((LOOPBACK, port))
            assert not is_free(port)


def test_released_ports_can_be_used() -> None:
    with Reservation(1) as reserved:
        reserved.release()
        with socket.create_server((LOOPBACK, reserved.ports[0])):
            assert not is_free(reserved.ports[0])
    assert is_free(reserved.ports[0])


def test_a_port_that_somebody_uses_on_all_addresses_is_not_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("", 0)) as busy:
        monkeypatch.setattr("vendor.dev.ports._FIRST", busy.getsockname()[1])
        monkeypatch.setattr("vendor.dev.ports._LAST", busy.getsockname()[1])
        with pytest.raises(PortTakenError):
            Reservation(1)
