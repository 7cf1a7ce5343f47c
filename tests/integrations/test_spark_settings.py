"""What `configure` sets for Spark, on a real gateway and store; Spark itself is in `real`."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.gateways import Api, api
from vendor.client.errors import BadInput, ClientError
from vendor.dev.stack import Stack
from vendor.integrations.spark import SparkLease, configure
from vendor.integrations.spark_settings import PROVIDER

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
FS = "spark.hadoop.fs.s3a."


class Builder:
    """What a `SparkSession.builder` and a `SparkConf` look like from here."""

    def __init__(self, verb: str) -> None:
        self.found: dict[str, str] = {}
        setattr(self, verb, self.found.__setitem__)


@pytest.fixture
def alice(seaweedfs_stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VENDOR_URL", seaweedfs_stack.gateway.url)
    monkeypatch.setenv("VENDOR_TOKEN", seaweedfs_stack.tokens["alice"])
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


def ended(alice: Api, lease: str) -> bool:
    answer = alice.call("GET", f"/v1/leases/{lease}")
    return answer.status_code == 404 or answer.json()["lease"]["ended"] is not None


@pytest.mark.parametrize("target", [{}, Builder("config"), Builder("set")])
def test_everything_is_set_and_no_key_among_it(alice: Api, seaweedfs_stack: Stack, tmp_path: Path, target: Any) -> None:
    with configure(target, scope=[(HOME, "write")], event_log=True, jar="x.jar", token_folder=tmp_path / "t") as lease:
        settings: Mapping[str, str] = target if isinstance(target, dict) else target.found
        assert settings == lease.settings
        assert settings[f"{FS}aws.credentials.provider"] == PROVIDER
        assert settings[f"{FS}vendor.gateway"] == seaweedfs_stack.gateway.url
        assert settings[f"{FS}endpoint"] == seaweedfs_stack.store.site.endpoint
        assert settings["spark.sql.warehouse.dir"] == "s3a://cdm-lake/users-sql-warehouse/alice/"
        assert settings["spark.eventLog.dir"] == f"{HOME}spark-events/"
        assert settings["spark.jars"] == "x.jar"
        file = Path(settings[f"{FS}vendor.lease.token.file"])
        token = file.read_text()
        assert token.startswith("vlt_")
        assert token == token.strip()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        everything = " ".join(settings.values()) + repr(lease) + lease.defaults()
        assert token not in everything
        assert "secret.key" not in everything
        assert "spark.sql.warehouse.dir s3a://cdm-lake/users-sql-warehouse/alice/\n" in lease.defaults()
        seaweedfs_stack.store.site.client().head_object(
            Bucket="cdm-lake", Key="users-general-warehouse/alice/spark-events/"
        )
    assert not file.exists()
    assert ended(alice, lease._lease)


def test_refreshing_puts_another_lease_into_the_same_file(alice: Api, tmp_path: Path) -> None:
    with configure({}, token_folder=tmp_path / "t") as lease:
        first, before = lease._lease, lease.token_file.read_text()
        lease.refresh()
        assert lease.token_file.read_text() != before
        assert lease._lease != first
        assert ended(alice, first)
        assert not ended(alice, lease._lease)
        assert alice.call("DELETE", f"/v1/leases/{lease._lease}").is_success
        lease.refresh()
        assert not ended(alice, lease._lease), "also after it was ended elsewhere"


def test_a_lease_that_was_handed_over_is_used_and_left(alice: Api, seaweedfs_stack: Stack, tmp_path: Path) -> None:
    answer = alice.lease((HOME, "write"), renewable_for=3600)
    file = tmp_path / "token"
    file.write_text(answer["lease_token"])
    file.chmod(0o600)
    environ = {
        "VENDOR_URL": seaweedfs_stack.gateway.url,
        "VENDOR_LEASE_TOKEN_FILE": str(file),
        "VENDOR_WAREHOUSE": "s3a://b/sql/",
        "VENDOR_EVENT_LOG": HOME,
    }
    target: dict[str, str] = {}
    with configure(target, environ=environ, event_log=True) as lease:
        lease.refresh()
        assert target[f"{FS}vendor.lease.token.file"] == str(file)
        assert target["spark.sql.warehouse.dir"] == "s3a://b/sql/"
    assert file.exists()
    assert not ended(alice, answer["lease"]["id"])

    with pytest.raises(BadInput, match="scope already"):
        configure({}, environ=environ, scope=[(HOME, "read")])
    with pytest.raises(BadInput, match="No gateway"):
        configure({}, environ={"VENDOR_LEASE_TOKEN_FILE": str(file)})
    with pytest.raises(BadInput, match="builder"):
        configure(object(), environ=environ)


def test_without_the_jar_the_jvms_are_told_instead(alice: Api, tmp_path: Path) -> None:
    target: dict[str, str] = {}
    with configure(target, with_jar=False, token_folder=tmp_path / "t", committer=False, warehouse=False) as lease:
        for side in ("driver", "executor"):
            options = target[f"spark.{side}.extraJavaOptions"]
            assert "-Daws.containerCredentialsFullUri=http://127.0.0.1" in options
            assert f"-Daws.containerAuthorizationTokenFile={lease.token_file}" in options
            assert "-Daws.disableEc2Metadata=true" in options, "no other keys behind those of the lease"
        assert not any("vendor" in name or "committer" in name for name in target)
        assert "spark.sql.warehouse.dir" not in target


def test_a_scope_that_is_not_granted_leaves_nothing_behind(alice: Api, tmp_path: Path) -> None:
    with pytest.raises(ClientError):
        configure({}, scope=[("s3a://cdm-lake/users-general-warehouse/bob/", "read")], token_folder=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_the_driver_is_told_to_renew(alice: Api, tmp_path: Path) -> None:
    said: list[str] = []

    provider = SimpleNamespace(renewNow=lambda: said.append("renewed"))
    jvm = SimpleNamespace(stsvendor=SimpleNamespace(s3a=SimpleNamespace(LeaseCredentialsProvider=provider)))
    session = SimpleNamespace(sparkContext=SimpleNamespace(_jvm=jvm))

    with configure({}, token_folder=tmp_path / "t") as lease:
        assert isinstance(lease, SparkLease)
        lease.refresh(session)
    assert said == ["renewed"]
