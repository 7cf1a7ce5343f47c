"""The hooks of JupyterHub on a real gateway, with a spawner as far as they see one; the hub itself is in `real`."""

import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from tests.support.gateways import Api, api
from tests.support.issuer import TinyIssuer, tiny_issuer
from vendor.client.errors import BadInput
from vendor.dev.stack import Stack
from vendor.integrations.jupyterhub import LeaseHooks, SpawnRefused, install

HOME = "s3://cdm-lake/users-general-warehouse/{username}/"
CONTAINER = "/v1/container-credentials"


class User:
    def __init__(self, name: str, state: dict[str, Any] | None) -> None:
        self.name, self._state = name, state

    async def get_auth_state(self) -> dict[str, Any] | None:
        return self._state


class Spawner:
    """What the hooks use of one."""

    def __init__(self, user: User, name: str = "", profile: str = "") -> None:
        self.user, self.name = user, name
        self.user_options = {"profile": profile} if profile else {}
        self.environment: dict[str, str] = {"AWS_ACCESS_KEY_ID": "left from before"}
        self._log_name = f"{user.name}:{name}"


@pytest.fixture
def spawner(seaweedfs_stack: Stack) -> Spawner:
    return Spawner(User("alice", {"access_token": seaweedfs_stack.tokens["alice"]}))


@pytest.fixture
def hooks(seaweedfs_stack: Stack, tmp_path: Path) -> LeaseHooks:
    return LeaseHooks(gateway=seaweedfs_stack.gateway.url, folder=str(tmp_path / "tokens"))


@pytest.fixture
def nobody(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, None) as calls:
        yield calls


def works(nobody: Api, token: str) -> bool:
    return nobody.call("GET", CONTAINER, headers={"authorization": token}).is_success


def left(hooks: LeaseHooks) -> list[Path]:
    return list(Path(hooks.folder).glob("*.token"))


def mode(file: str) -> int:
    return stat.S_IMODE(Path(file).stat().st_mode)


def token_of(spawner: Spawner) -> str:
    return Path(spawner.environment["VENDOR_LEASE_TOKEN_FILE"]).read_text()


async def test_a_server_gets_a_token_file_and_no_keys(
    hooks: LeaseHooks, spawner: Spawner, nobody: Api, seaweedfs_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await hooks.pre_spawn_hook(spawner)

    token = token_of(spawner)
    assert works(nobody, token)
    assert mode(spawner.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]) == 0o600
    assert token == token.strip()
    assert spawner.environment["VENDOR_URL"] == seaweedfs_stack.gateway.url
    assert spawner.environment["AWS_ENDPOINT_URL_S3"] == seaweedfs_stack.store.site.endpoint
    assert spawner.environment["VENDOR_WAREHOUSE"] == "s3a://cdm-lake/users-sql-warehouse/alice/"
    shown = " ".join(spawner.environment.values()) + caplog.text
    assert "AWS_ACCESS_KEY_ID" not in spawner.environment
    assert token not in shown
    assert seaweedfs_stack.tokens["alice"] not in shown

    await hooks.post_stop_hook(spawner)
    assert not works(nobody, token)
    assert not left(hooks)
    assert not any("VENDOR" in name or "CONTAINER" in name for name in spawner.environment)
    await hooks.post_stop_hook(spawner)  # repeat is fine


async def test_what_a_dead_hub_left_is_ended_by_the_next_one(
    hooks: LeaseHooks, spawner: Spawner, nobody: Api, seaweedfs_stack: Stack
) -> None:
    await hooks.pre_spawn_hook(spawner)
    first = token_of(spawner)
    again = LeaseHooks(gateway=seaweedfs_stack.gateway.url, folder=hooks.folder)
    await again.pre_spawn_hook(spawner)
    assert token_of(spawner) != first
    assert not works(nobody, first)
    await again.post_stop_hook(spawner)


async def test_servers_and_people_do_not_share_files(hooks: LeaseHooks, seaweedfs_stack: Stack) -> None:
    state = {"access_token": seaweedfs_stack.tokens["alice"]}
    servers = [Spawner(User("alice", state), name) for name in ("", "a--b", "../../etc", "A")]
    for one in servers:
        await hooks.pre_spawn_hook(one)
    files = {one.environment["VENDOR_LEASE_TOKEN_FILE"] for one in servers}
    assert len(files) == 4
    assert all(Path(file).parent == Path(hooks.folder) for file in files)
    for one in servers:
        await hooks.post_stop_hook(one)


@pytest.mark.parametrize(
    ("mine", "theirs"), [(("alice", "x--"), ("alice--x", "")), (("a", "b@c"), ("a@b", "c")), (("a", "-"), ("a-", ""))]
)
async def test_no_server_has_a_name_that_makes_its_file_another_persons(
    hooks: LeaseHooks, seaweedfs_stack: Stack, nobody: Api, mine: tuple[str, str], theirs: tuple[str, str]
) -> None:
    """Starting or stopping it would end the other's lease."""
    state = {"access_token": seaweedfs_stack.tokens["alice"]}
    victim, attacker = (Spawner(User(person, state), server) for person, server in (theirs, mine))
    await hooks.pre_spawn_hook(victim)
    token = token_of(victim)
    await hooks.pre_spawn_hook(attacker)
    await hooks.post_stop_hook(attacker)

    assert works(nobody, token)
    assert token_of(victim) == token
    await hooks.post_stop_hook(victim)


async def test_a_profile_or_a_name_chooses_the_scope(hooks: LeaseHooks, seaweedfs_stack: Stack, nobody: Api) -> None:
    hooks.scopes = {"gpu": [(HOME, "write")], "default": [(HOME, "read")]}
    hooks.duration = 900
    state = {"access_token": seaweedfs_stack.tokens["alice"]}
    found = {}
    for name, profile in (("", "gpu"), ("gpu", ""), ("other", "other")):
        one = Spawner(User("alice", state), name, profile)
        await hooks.pre_spawn_hook(one)
        answer = nobody.call("POST", "/v1/leases/renew", {}, headers={"authorization": f"Bearer {token_of(one)}"})
        found[name, profile] = [(entry["path"], entry["access"]) for entry in answer.json()["lease"]["scope"]]
        assert answer.json()["lease"]["audit_context"]["client"] == "jupyterhub"
        await hooks.post_stop_hook(one)
    home = HOME.format(username="alice")
    assert found == {
        ("", "gpu"): [(home, "write")],
        ("gpu", ""): [(home, "write")],
        ("other", "other"): [(home, "read")],
    }


async def test_without_a_lease_a_server_does_not_start_and_the_person_is_told_why(
    hooks: LeaseHooks, spawner: Spawner, tmp_path: Path
) -> None:
    for state in (None, {}, {"access_token": "not a token"}, {"access_token": "a.b.c"}):
        with pytest.raises(SpawnRefused) as refused:
            await hooks.pre_spawn_hook(Spawner(User("alice", state)))
        assert refused.value.jupyterhub_message.startswith("No keys for your data: ")
    hooks.gateway = "http://127.0.0.1:9"
    with pytest.raises(SpawnRefused, match=r"127\.0\.0\.1:9"):
        await hooks.pre_spawn_hook(spawner)
    assert not left(hooks)

    hooks.required = False
    await hooks.pre_spawn_hook(spawner)
    assert "VENDOR_LEASE_TOKEN_FILE" not in spawner.environment


async def test_a_server_stops_also_while_the_gateway_is_away(
    hooks: LeaseHooks, spawner: Spawner, caplog: pytest.LogCaptureFixture
) -> None:
    await hooks.pre_spawn_hook(spawner)
    hooks.gateway = "http://127.0.0.1:9"
    await hooks.post_stop_hook(spawner)
    assert not left(hooks)
    assert "could not be ended" in caplog.text


class Api404(Exception):
    status = 404


class Cluster:
    """The part of a cluster's API that is used, and that the role of a hub permits."""

    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}

    async def create_namespaced_secret(self, namespace: str, body: Any) -> None:
        name = body["metadata"]["name"]
        if name in self.secrets:
            conflict = Exception("conflict")
            conflict.status = 409  # type: ignore[attr-defined]  # as the client's exceptions have it
            raise conflict
        self.secrets[name] = body

    async def delete_namespaced_secret(self, name: str, namespace: str) -> None:
        if name not in self.secrets:
            raise Api404
        del self.secrets[name]


async def test_a_pod_gets_its_token_through_a_secret(hooks: LeaseHooks, spawner: Spawner, nobody: Api) -> None:
    cluster = Cluster()
    pod: Any = spawner
    pod.pod_name, pod.namespace, pod.api = "jupyter-alice", "hub", cluster
    pod.volumes, pod.volume_mounts = [{"name": "home"}], [{"name": "home", "mountPath": "/home"}]

    for _ in range(2):  # the second time over what the first has left
        await hooks._begin(pod)
    assert spawner.environment["VENDOR_LEASE_TOKEN_FILE"] == "/var/run/secrets/vendor/lease-token"
    token = cluster.secrets["vend-jupyter-alice"]["stringData"]["lease-token"]
    assert works(nobody, token)
    assert [volume["name"] for volume in pod.volumes] == ["home", "vendor-lease"]
    assert [mount["name"] for mount in pod.volume_mounts] == ["home", "vendor-lease"]
    assert token not in str(pod.volumes)

    await hooks.post_stop_hook(pod)
    assert not cluster.secrets
    assert not works(nobody, token)
    await hooks.post_stop_hook(pod)


HUB = """
[[issuer]]
name = "hubs"
url = "{url}"
prefix = "svc."
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["workload"]

[[issuer.rule]]
name = "hub"
kind = "workload"
as = "svc.hub"
may_act_for = ["dev"]
"""


@pytest.fixture
def hub() -> Iterator[TinyIssuer]:
    with tiny_issuer() as issuer:
        yield issuer


@pytest.fixture
def trusting(seaweedfs_stack: Stack, hub: TinyIssuer) -> Iterator[str]:
    """A gateway that lets the hub act for people."""
    file = seaweedfs_stack.folder.path / "trust-with-jupyterhub.toml"
    file.write_text((seaweedfs_stack.folder.path / "trust.toml").read_text() + HUB.format(url=hub.url))
    added = seaweedfs_stack.add_gateway("jupyterhub", VENDOR_TRUST_FILE=str(file))
    yield added.url
    added.child.stop()


async def test_the_hub_acts_for_a_person_with_a_token_of_its_own(
    hooks: LeaseHooks, spawner: Spawner, hub: TinyIssuer, trusting: str, tmp_path: Path
) -> None:
    own = tmp_path / "hub-token"
    own.write_text(hub.sign(sub="hub"))
    own.chmod(0o600)
    hooks.gateway, hooks.actor_token_file = trusting, str(own)
    hooks.scopes = {"default": [(HOME, "write")]}
    hooks.renewable_for = 7200

    await hooks.pre_spawn_hook(spawner)
    with Api(trusting, None) as nobody:  # a gateway that does not trust the hub gives no keys of this lease
        assert works(nobody, token_of(spawner))
    await hooks.post_stop_hook(spawner)

    hooks.scopes = {"default": [(HOME, "write"), ("s3://cdm-lake/tenant-general-warehouse/kbase/", "read")]}
    with pytest.raises(SpawnRefused, match="one level"):
        await hooks.pre_spawn_hook(spawner)
    hooks.scopes = {}
    own.write_text(hub.sign(sub="hub", aud="somebody else"))
    with pytest.raises(SpawnRefused):
        await hooks.pre_spawn_hook(spawner)


def test_installing_hangs_the_hooks_in_and_keeps_tokens_fresh() -> None:
    config = Config()
    config.LeaseHooks.gateway = "https://vendor.example.org"
    config.LeaseHooks.renewable_for = 3600

    hooks = install(config)

    assert hooks.renewable_for == 3600
    assert config.Spawner.pre_spawn_hook == hooks.pre_spawn_hook
    assert config.Spawner.post_stop_hook == hooks.post_stop_hook
    assert config.Authenticator.enable_auth_state
    assert config.Authenticator.refresh_pre_spawn
    with pytest.raises(BadInput):
        install(Config())
