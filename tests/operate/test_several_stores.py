"""Several stores behind one gateway: each is described by a file, and a lease names the one it is for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateways import api, s3_of
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack
from vendor.dev.store import ASSUME_ROLE
from vendor.environment import SettingsError
from vendor.operate.check_config import check
from vendor.settings import load

ENVIRONMENT = {
    "VENDOR_PUBLIC_URL": "https://keys.example.org",
    "VENDOR_REDIS_URL": "redis://127.0.0.1:6379/0",
    "VENDOR_ISSUER_KEYS_DIR": "keys",
    "VENDOR_STORE_KIND": "seaweedfs",
    "VENDOR_STORE_ENDPOINT": "http://127.0.0.1:8333",
    "VENDOR_STORE_ROLE_ARN": "arn:aws:iam::000000000000:role/Lease",
}
ARCHIVE = (
    "VENDOR_STORE_KIND=minio\nVENDOR_STORE_ENDPOINT=https://archive.example.org\nVENDOR_STORE_POLICY=vendor-lease\n"
)


def settings_with(folder: Path, **files: str) -> dict[str, str]:
    for name, text in files.items():
        (folder / f"{name}.env").write_text(text)
    return {**ENVIRONMENT, "VENDOR_STORES_DIR": str(folder)}


def test_a_further_store_has_its_own_lines_and_shares_the_rest(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a store")
    settings = load(settings_with(tmp_path, archive=ARCHIVE + "VENDOR_STORE_CHECK=warn\n"))

    assert list(settings.by_store) == ["default", "archive"]
    archive = settings.by_store["archive"]
    assert (archive.store.name, archive.store.endpoint) == ("archive", "https://archive.example.org")
    assert archive.store.role_arn is None  # nothing of the default store's comes along
    assert (archive.store_check, settings.store_check) == ("warn", "enforce")
    assert settings.store.name == "default"


def test_a_secret_of_a_store_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("archivesecret\n")
    lines = f"{ARCHIVE}VENDOR_STORE_MODE=assume-role\nVENDOR_STORE_ACCESS_KEY=A\n"
    settings = load(settings_with(tmp_path, archive=f"{lines}VENDOR_STORE_SECRET_KEY_FILE={tmp_path / 'secret'}\n"))

    key = settings.by_store["archive"].store.service_key
    assert key is not None
    assert key.secret_key.reveal() == "archivesecret"
    assert "archivesecret" not in repr(settings.by_store)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        pytest.param(
            "archive", "VENDOR_STORE_KIND=minio\n", "archive.env: VENDOR_STORE_ENDPOINT is missing", id="less"
        ),
        pytest.param("archive", ARCHIVE + "VENDOR_PORT=1\n", "not VENDOR_PORT", id="not-a-store's"),
        pytest.param("archive", ARCHIVE + "VENDOR_STORE_COLOUR=red\n", "VENDOR_STORE_COLOUR is not", id="unknown"),
        pytest.param("archive", ARCHIVE + "VENDOR_STORE_REGION\n", "only lines", id="no-value"),
        pytest.param("Archive", ARCHIVE, "letters a-z", id="upper-case"),
        pytest.param("default", ARCHIVE, "'default' is taken", id="default"),
    ],
)
def test_a_mistake_names_the_file(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as mistakes:
        load(settings_with(tmp_path, **{name: text}))

    assert complaint in str(mistakes.value)


def test_check_config_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in settings_with(tmp_path, archive=ARCHIVE).items():
        monkeypatch.setenv(name, text)

    assert check(as_json=True) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["archive.env: VENDOR_STORE_KIND"] == "minio"
    assert shown["VENDOR_STORE_KIND"] == "seaweedfs"


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VENDOR_STORES_DIR cannot be read"):
        load({**ENVIRONMENT, "VENDOR_STORES_DIR": str(tmp_path / "none")})


@pytest.fixture(scope="module")
def both(seaweedfs_stack: Stack, juicefs_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of the SeaweedFS stack that has the JuiceFS of the other as a second store."""
    folder = tmp_path_factory.mktemp("stores")
    lines = juicefs_stack.store.site.settings(ASSUME_ROLE) | {"VENDOR_STORE_CHECK": "off"}
    text = "".join(f"{name}={value}\n" for name, value in lines.items() if name.startswith("VENDOR_STORE_"))
    (folder / "archive.env").write_text(text)
    gateway = seaweedfs_stack.add_gateway("several-stores", VENDOR_STORES_DIR=str(folder))
    gateway.wait_until_ready()
    yield gateway
    gateway.child.stop()


def test_a_lease_is_for_the_store_it_names(both: Gateway, seaweedfs_stack: Stack, juicefs_stack: Stack) -> None:
    key = "users-general-warehouse/alice/where"
    with api(seaweedfs_stack, "alice", url=both.url) as alice:
        for name, stack in (("default", seaweedfs_stack), ("archive", juicefs_stack)):
            stack.store.site.client().put_object(Bucket=stack.bucket, Key=key, Body=name.encode())
            lease = alice.lease(store=name, duration=900)
            assert lease["lease"]["store"] == name
            assert lease["endpoint"]["url"] == stack.store.site.endpoint
            found = s3_of(lease).get_object(Bucket=stack.bucket, Key=key)
            assert found["Body"].read() == name.encode()
        assert alice.refusal("POST", "/v1/leases", {"store": "elsewhere"}) == (404, "unknown_store")


def test_a_further_store_that_is_away_takes_no_other_along(
    both: Gateway, seaweedfs_stack: Stack, juicefs_stack: Stack
) -> None:
    with api(seaweedfs_stack, "alice", url=both.url) as alice:
        assert alice.call("GET", "/readyz").json()["status"] == "ready"
        juicefs_stack.store.child.freeze()
        try:
            degraded = lambda: alice.call("GET", "/readyz").json()["status"] == "degraded"  # noqa: E731 - short
            eventually(degraded, what="that readiness shows it")
            answer = alice.call("GET", "/readyz")
            assert answer.status_code == 200
            assert answer.json()["checks"]["stores"] == {"default": True, "archive": False}
            assert alice.lease(duration=900)["lease"]["store"] == "default"
        finally:
            juicefs_stack.store.child.thaw()
