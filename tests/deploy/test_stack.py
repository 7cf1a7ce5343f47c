"""The stack of compose.yaml on loopback: the real servers with the files, commands and settings that it gives them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.deploy.dex import Dex, running_dex
from tests.deploy.files import image_health_check, unpack_secrets
from tests.deploy.installed import Installed
from tests.deploy.loopback import PORT_NAMES, Loopback
from tests.support.waiting import eventually
from vendor.dev.folder import StateFolder, open_folder
from vendor.dev.ports import PortTakenError, Reservation
from vendor.dev.process import Child, Children
from vendor.dev.store import KeyPair, s3_client
from vendor.dev.web import client

BUCKET = "cdm-lake"


@dataclass(frozen=True)
class Running:
    """The stack, once everything is up, and what was seen on the way there."""

    loopback: Loopback
    dex: Dex
    installed: Installed
    gateway: Child
    before_the_store: tuple[int, dict[str, Any]]
    """What /readyz said when all but the store was there."""

    def health_check(self) -> int:
        """Run the image's health check and return its status."""
        python, *arguments = image_health_check()
        return self.installed.run(python, *arguments, VENDOR_PORT=str(self.loopback.ports["gateway"])).returncode


@pytest.fixture(scope="module")
def running(server_install: Installed) -> Iterator[Running]:
    """Everything, started in an order in which the store comes last."""
    with open_folder(None) as folder, running_dex() as dex:
        for attempt in range(3):
            children = Children()
            try:
                yield _bring_up(folder.sub(f"try-{attempt}"), folder, children, dex, server_install)
            except PortTakenError:  # somebody came first
                continue
            finally:
                children.stop(kill=True)
            return
        raise PortTakenError("others took every port")


def _bring_up(place: Path, folder: StateFolder, children: Children, dex: Dex, installed: Installed) -> Running:
    with Reservation(len(PORT_NAMES)) as reserved:
        ports = dict(zip(PORT_NAMES, reserved.ports, strict=True))
    issuer = f"http://127.0.0.1:{ports['gateway']}"
    loopback = Loopback(folder, children, unpack_secrets(place, {"VENDOR_PUBLIC_URL": issuer}), ports, dex.issuer)
    loopback.start_valkey()
    gateway = loopback.start_gateway(installed)
    eventually(lambda: _ready(issuer)[1]["checks"]["identity"] == {"dex": True}, what="the keys of Dex")
    before = _ready(issuer)
    loopback.start_seaweedfs()
    eventually(lambda: _ready(issuer)[0] == 200, what="a ready gateway")
    return Running(loopback, dex, installed, gateway, before)


def _ready(gateway: str) -> tuple[int, dict[str, Any]]:
    with client(gateway) as web:
        answer = web.get("/readyz")
    return answer.status_code, answer.json()


def test_the_gateway_does_not_wait_for_the_store(running: Running) -> None:
    status, said = running.before_the_store

    assert status == 503
    checks = said["checks"]
    assert (checks["redis"], checks["identity"], checks["stores"]) == (True, {"dex": True}, {"default": False})


def test_the_gateway_accepts_its_configuration(running: Running) -> None:
    settings = running.loopback.environment("gateway")

    done = running.installed.run("vendor", "check-config", "--json", **settings)

    assert done.returncode == 0, done.stderr
    in_force = json.loads(done.stdout)
    assert in_force["VENDOR_REDIS_URL"] == "***"
    assert in_force["VENDOR_STORE_MODE"] == "web-identity"


def test_people_are_told_where_to_sign_in(running: Running) -> None:
    with client(running.loopback.gateway) as web:
        said = web.get("/v1/sign-in").raise_for_status().json()

    (issuer,) = said["issuers"]
    assert issuer["client_id"] == "vendor"
    assert issuer["issuer"] == running.dex.issuer
    assert {"openid", "groups", "offline_access"} <= set(issuer["scopes"])


def test_a_lease_opens_ones_own_home_and_no_other(running: Running) -> None:
    lease = _lease(running, running.dex.id_token("alice"))
    keys = lease["credentials"]
    s3 = s3_client(
        lease["endpoint"]["url"], KeyPair(keys["access_key_id"], keys["secret_access_key"]), keys["session_token"]
    )
    own, other = "users-general-warehouse/alice/a.txt", "users-general-warehouse/bob/a.txt"

    assert lease["endpoint"]["url"] == running.loopback.store
    s3.put_object(Bucket=BUCKET, Key=own, Body=b"mine")
    assert s3.get_object(Bucket=BUCKET, Key=own)["Body"].read() == b"mine"
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=BUCKET, Key=other, Body=b"not mine")


def _lease(running: Running, token: str) -> Any:
    # The volume for the first write is made a little after the store's port is open.
    with client(running.loopback.gateway, token=token) as web:
        answer = eventually(lambda: _created(web.post("/v1/leases", json={})), what="a lease")
    assert answer is not None
    return answer.json()


def _created(answer: httpx2.Response) -> httpx2.Response | None:
    return answer if answer.status_code == 201 else None


def test_the_group_of_admins_makes_an_admin_and_nothing_else_does(running: Running) -> None:
    said = {}
    for user, groups in (("alice", ()), ("bob", ("admins",)), ("carol", ("vendor-admins",))):
        with client(running.loopback.gateway, token=running.dex.id_token(user, groups)) as web:
            said[user] = web.get("/v1/whoami").raise_for_status().json()["admin"]

    assert said == {"alice": False, "bob": False, "carol": True}


def test_the_images_health_check_sees_whether_the_gateway_is_alive(running: Running) -> None:
    assert running.health_check() == 0

    running.gateway.freeze()
    try:
        assert running.health_check() != 0
    finally:
        running.gateway.thaw()
    eventually(lambda: running.health_check() == 0, what="a gateway that goes on")


@pytest.mark.skipif(shutil.which("wget") is None, reason="there is no wget on this machine")
@pytest.mark.parametrize("service", ["seaweedfs", "dex"])
def test_a_health_check_works_as_written(running: Running, service: str) -> None:
    command = running.loopback.health_check(service)
    gone = [part.replace("healthz", "gone") for part in command]

    assert command[0] == "wget"
    assert subprocess.run(command, timeout=10).returncode == 0
    assert subprocess.run(gone, timeout=10).returncode != 0


def _valkey(running: Running, user: str | None, password: str | None) -> redis.Redis:
    port, once = running.loopback.ports["valkey"], Retry(NoBackoff(), 0)
    return redis.Redis("127.0.0.1", port, username=user, password=password, socket_timeout=5, retry=once)


def _gateways_valkey(running: Running) -> redis.Redis:
    return redis.Redis.from_url((running.loopback.secrets / "redis-url").read_text().strip(), socket_timeout=5)


def test_every_write_to_valkey_is_on_disk_before_its_answer(running: Running) -> None:
    with _gateways_valkey(running) as valkey:
        said = {
            name: valkey.config_get(name)[name] for name in ("appendonly", "appendfsync", "maxmemory-policy", "save")
        }

    assert said == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}


def test_nobody_reaches_valkey_without_a_name(running: Running) -> None:
    with _valkey(running, None, None) as valkey, pytest.raises(redis.AuthenticationError):
        valkey.ping()


@pytest.mark.parametrize("command", ["FLUSHALL", "SHUTDOWN NOSAVE", "ACL LIST", "CONFIG SET appendfsync no", "KEYS *"])
def test_not_even_the_gateway_can_hurt_valkey(running: Running, command: str) -> None:
    with _gateways_valkey(running) as valkey, pytest.raises(redis.exceptions.NoPermissionError):
        valkey.execute_command(*command.split())


def test_the_health_check_of_valkey_can_ping_and_no_more(running: Running) -> None:
    options = running.loopback.health_check("valkey")
    user, password = options[options.index("--user") + 1], options[options.index("--pass") + 1]

    assert options[-1] == "ping"
    with _valkey(running, user, password) as valkey:
        assert valkey.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            valkey.get("x")


def test_secrets_stay_out_of_the_logs(running: Running) -> None:
    secret = (running.loopback.secrets / "redis-url").read_text().split(":")[2].partition("@")[0]
    logs = "".join(log.read_text("utf-8", "replace") for log in running.loopback.folder.logs.glob("*.log"))

    assert len(secret) == 40
    assert "gateway starts" in logs
    assert secret not in logs
