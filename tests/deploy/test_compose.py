"""compose.yaml: what each service may do, who can reach whom, and who waits for whom."""

import re
from typing import Any

import pytest

from tests.deploy.files import TOP, compose, minio_environment
from vendor.policy.layout import load_layout
from vendor.settings import Settings, shipped_policies

STACK = compose()
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
LASTING = [name for name, service in SERVICES.items() if service["restart"] != "no"]
MINIO_PARTS = {"minio", "minio-volume", "minio-setup", "edge"}

# Every key in use: Compose refuses others, and nothing here runs Compose.
SERVICE_KEYS = {
    *("image", "build", "user", "entrypoint", "command", "environment", "secrets", "configs", "volumes", "tmpfs"),
    *("networks", "network_mode", "ports", "depends_on", "healthcheck", "restart", "stop_grace_period", "profiles"),
    *("read_only", "cap_drop", "cap_add", "security_opt", "logging", "deploy"),
}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@each_service
def test_every_key_is_one_of_compose(service: dict[str, Any]) -> None:
    assert set(service) <= SERVICE_KEYS
    assert set(service.get("healthcheck", {})) <= HEALTH_KEYS
    assert set(service["deploy"]) <= {"replicas", "resources"}
    assert all(set(how) == {"condition"} for how in service.get("depends_on", {}).values())


def test_every_key_at_the_top_is_one_of_compose() -> None:
    known = {"name", "services", "networks", "volumes", "configs", "secrets"}

    assert {key for key in STACK if not key.startswith("x-")} == known


@each_service
def test_a_service_is_contained(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "pid", "ipc"} & set(service)
    assert service.get("network_mode") in {None, "none"}
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_but_the_one_that_gives_a_new_volume_away(name: str) -> None:
    service = SERVICES[name]
    user, group = service["user"].split(":")

    if name == "minio-volume":
        assert (user, service["cap_add"], service["network_mode"]) == ("0", ["CHOWN"], "none")
    else:
        assert int(user) > 0
        assert int(group) > 0
        assert "cap_add" not in service


@each_service
def test_an_image_is_pinned_or_built_here(service: dict[str, Any]) -> None:
    tag = service["image"].rpartition(":")[2]

    assert "build" in service or re.search(r"\d+[.-]\d+", tag), service["image"]


@each_service
def test_ports_are_published_on_loopback_only(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", ["valkey", "minio"])
def test_what_nobody_but_the_gateway_may_reach_publishes_nothing(name: str) -> None:
    assert "ports" not in SERVICES[name]


def test_each_network_of_the_gateway_is_shared_with_one_kind_of_service() -> None:
    members = {
        network: {name for name, service in SERVICES.items() if network in service.get("networks", [])}
        for network in STACK["networks"]
    }

    assert members == {
        "state": {"gateway", "valkey"},
        "sign-in": {"gateway", "dex"},
        "store": {"gateway", "seaweedfs", "minio", "minio-setup", "edge"},
    }
    assert STACK["networks"]["state"] == {"internal": True}


@each_service
def test_no_secret_stands_in_an_environment(service: dict[str, Any]) -> None:
    """What is named like a secret names a file of the right folder."""
    secretive = re.compile(r"SECRET|PASSWORD|TOKEN|REDIS_URL|ISSUER_KEY(?!S)|ENV_FILE")
    for name, value in service.get("environment", {}).items():
        if secretive.search(name):
            assert name.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]


@pytest.mark.parametrize("kind", ["secrets", "configs", "volumes", "networks"])
def test_all_that_is_declared_is_used_and_all_that_is_used_is_declared(kind: str) -> None:
    used = {_source(entry) for service in SERVICES.values() for entry in service.get(kind, [])}

    assert {name for name in used if not name.startswith("./")} == set(STACK[kind])


def _source(entry: Any) -> str:
    return str(entry["source"] if isinstance(entry, dict) else entry.partition(":")[0])


def test_the_files_that_are_mounted_exist() -> None:
    mounted = [_source(entry) for service in SERVICES.values() for entry in service.get("volumes", [])]
    files = [config["file"] for config in STACK["configs"].values()] + [name for name in mounted if name[0] == "."]

    assert len(files) > 3
    assert all((TOP / name).is_file() for name in files)


def test_secrets_lie_in_the_folder_that_git_does_not_see() -> None:
    assert {secret["file"].rpartition("/")[0] for secret in STACK["secrets"].values()} == {"./deploy/compose/secrets"}
    assert "secrets/" in (TOP / "deploy" / "compose" / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_has_a_health_check_and_comes_back(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert "test" in service["healthcheck"] or "build" in service  # ours comes with the image


def test_a_minio_waits_for_the_gateway_and_the_gateway_for_no_store() -> None:
    assert _all_before("minio")["gateway"] == "service_healthy"
    assert set(_all_before("gateway")) == {"valkey", "dex"}


def _all_before(name: str) -> dict[str, str]:
    waits = {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}
    for other in list(waits):
        waits = _all_before(other) | waits
    return waits


def test_nothing_extra_starts_unasked() -> None:
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}

    assert plain == {"gateway", "valkey", "seaweedfs", "dex"}
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["minio"]} == MINIO_PARTS
    assert SERVICES["seaweedfs"]["deploy"]["replicas"] == "1"


def test_with_minio_the_other_store_stays_away() -> None:
    chosen = minio_environment()
    services = compose(chosen)["services"]
    gateway = services["gateway"]["environment"]

    assert chosen["COMPOSE_PROFILES"] == "minio"
    assert services["seaweedfs"]["deploy"]["replicas"] == "0"
    assert gateway["VENDOR_STORE_KIND"] == "minio"
    assert gateway["VENDOR_STORE_ROLE_ARN"] == ""
    assert services["minio-setup"]["environment"]["VENDOR_STORE_ENDPOINT"] == gateway["VENDOR_STORE_ENDPOINT"]
    assert services["minio-setup"]["environment"]["VENDOR_STORE_POLICY"] == gateway["VENDOR_STORE_POLICY"]
    assert services["edge"]["ports"] == ["127.0.0.1:9000:9000"]


def test_seaweedfs_makes_the_bucket_of_the_layout_and_lets_ceilings_be_kept() -> None:
    command = SERVICES["seaweedfs"]["command"]

    assert f"-bucket={load_layout(shipped_policies() / 'layout.toml').bucket}" in command
    assert {"-s3.iam.readOnly=false", "-s3.allowDeleteBucketNotEmpty=false", "-master.telemetry=false"} <= set(command)


@each_service
def test_only_settings_that_exist_are_set(service: dict[str, Any]) -> None:
    known = {f"VENDOR_{name.upper()}" for name in Settings.model_fields}
    ours = {name.removesuffix("_FILE") for name in service.get("environment", {}) if name.startswith("VENDOR_")}

    assert ours - {"VENDOR_TRUST"} <= known  # VENDOR_TRUST_FILE is a setting as it stands
