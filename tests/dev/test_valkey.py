"""Valkey keeps every write, and talks only to who knows its password."""

import os
import signal

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.parts import Parts
from tests.support.waiting import eventually
from vendor.dev.process import _listening_ports
from vendor.dev.valkey import Valkey, start_valkey

ONCE = Retry(NoBackoff(), 0)


def test_every_write_is_on_disk_before_its_answer(valkey: str) -> None:
    with redis.Redis.from_url(valkey, decode_responses=True) as server:
        settings = server.config_get("append*", "maxmemory-policy")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"


def test_a_password_is_needed_and_no_argument_shows_it(valkey_server: Valkey) -> None:
    with redis.Redis("127.0.0.1", valkey_server.port, retry=ONCE) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert valkey_server.password not in " ".join(valkey_server.child.program.argv)
    assert valkey_server.password not in repr(valkey_server.child.program)


def test_it_listens_on_loopback_alone(valkey_server: Valkey) -> None:
    import psutil

    listening = [c.laddr for c in psutil.Process(valkey_server.child.pid).net_connections() if c.status == "LISTEN"]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    assert _listening_ports(valkey_server.child.pid) == {valkey_server.port}


def test_it_is_empty_for_each_test(valkey: str, valkey_server: Valkey) -> None:
    from tests.support.parts import emptied

    with redis.Redis.from_url(valkey) as server:
        server.set("left", "over")
        script = server.script_load("return 1")
        assert emptied(valkey_server) == valkey
        assert server.dbsize() == 0
        assert server.script_exists(script) == [False]


def test_what_was_answered_survives_a_kill(parts: Parts) -> None:
    server = start_valkey(parts.folder, parts.children, name="valkey-killed")
    with redis.Redis.from_url(server.url, retry=ONCE) as connection:
        connection.set("kept", "yes")
    os.kill(server.child.pid, signal.SIGKILL)
    eventually(lambda: server.child.status is not None)
    server.child.stop()
    server.child.restart()

    def look() -> object:
        try:
            with redis.Redis.from_url(server.url) as connection:
                return connection.get("kept")
        except redis.RedisError:
            return None

    assert eventually(look) == b"yes"
    server.child.stop()
