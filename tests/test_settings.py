"""Settings: what is accepted, and one clear sentence for each mistake."""

from pathlib import Path

import pytest

from vendor.environment import SettingsError
from vendor.settings import load
from vendor.stores.profile import Mode

GOOD = {
    "VENDOR_PUBLIC_URL": "https://keys.example.org/",
    "VENDOR_REDIS_URL": "redis://:s3cret@127.0.0.1:6379/0",
    "VENDOR_ISSUER_KEYS_DIR": "keys",
    "VENDOR_STORE_KIND": "seaweedfs",
    "VENDOR_STORE_ENDPOINT": "http://127.0.0.1:8333",
    "VENDOR_STORE_ROLE_ARN": "arn:aws:iam::000000000000:role/Lease",
    "PATH": "/bin",
}


def problems(changes: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as mistakes:
        load({**GOOD, **changes})
    return mistakes.value.problems


def test_the_environment_is_read() -> None:
    settings = load({**GOOD, "VENDOR_PORT": "9000", "VENDOR_TOKEN": "what vend reads"})

    assert settings.public_url == "https://keys.example.org"
    assert settings.port == 9000
    assert settings.store.mode is Mode.WEB_IDENTITY
    assert settings.store.public_endpoint == "http://127.0.0.1:8333"
    assert "s3cret" not in repr(settings)


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "redis"
    file.write_text("redis://:other@127.0.0.1:6379/0\n")
    environment = {name: text for name, text in GOOD.items() if name != "VENDOR_REDIS_URL"}

    settings = load({**environment, "VENDOR_REDIS_URL_FILE": str(file)})

    assert settings.redis_url.reveal() == "redis://:other@127.0.0.1:6379/0"


def test_assume_role_by_setting() -> None:
    settings = load(
        {
            **GOOD,
            "VENDOR_STORE_MODE": "assume-role",
            "VENDOR_STORE_ACCESS_KEY": "VENDORKEY00000000000",
            "VENDOR_STORE_SECRET_KEY": "vendorsecret",
        }
    )

    assert settings.store.mode is Mode.ASSUME_ROLE
    assert "vendorsecret" not in repr(settings.store)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"VENDOR_REDIS_URL": ""}, "VENDOR_REDIS_URL is missing.", id="missing"),
        pytest.param({"VENDOR_PORT": "http"}, "VENDOR_PORT: Input should be a valid integer", id="not-a-number"),
        pytest.param({"VENDOR_PORT": "70000"}, "VENDOR_PORT: Input should be less than", id="port-too-large"),
        pytest.param(
            {"VENDOR_PUBLIC_URL": "keys.example.org"}, "VENDOR_PUBLIC_URL: is not an http(s) URL.", id="no-scheme"
        ),
        pytest.param(
            {"VENDOR_PUBLIC_URL": "https://a:b@x"}, "VENDOR_PUBLIC_URL: must be a plain URL", id="password-in-url"
        ),
        pytest.param({"VENDOR_REDIS_URL": "http://x"}, "VENDOR_REDIS_URL: is not a redis://", id="redis-scheme"),
        pytest.param({"VENDOR_STORE_KIND": "floppy"}, "VENDOR_STORE_KIND: Input should be", id="unknown-store"),
        pytest.param({"VENDOR_STORE_KIND": "minio"}, "VENDOR_STORE_POLICY is missing", id="minio-without-policy"),
        pytest.param({"VENDOR_STORE_ROLE_ARN": ""}, "VENDOR_STORE_ROLE_ARN is missing", id="seaweedfs-without-role"),
        pytest.param(
            {"VENDOR_STORE_MODE": "assume-role"}, "VENDOR_STORE_MODE=assume-role needs", id="assume-role-without-key"
        ),
        pytest.param(
            {"VENDOR_STORE_ACCESS_KEY": "x"}, "belong to VENDOR_STORE_MODE=assume-role", id="key-without-mode"
        ),
        pytest.param(
            {"VENDOR_ISSUER_KEYS_DIR": ""},
            "VENDOR_ISSUER_KEYS_DIR (or VENDOR_ISSUER_KEY) is missing",
            id="no-signing-key",
        ),
        pytest.param({"VENDOR_ISSUER_KEY": "pem"}, "exclude each other", id="two-signing-keys"),
        pytest.param({"VENDOR_LEASE_MIN_SECONDS": "7200"}, "in ascending order", id="least-over-default"),
        pytest.param({"VENDOR_REDISURL": "x"}, "VENDOR_REDISURL is not a setting", id="misspelt"),
        pytest.param(
            {"VENDOR_REDIS_URL_FILE": "x"}, "VENDOR_REDIS_URL and VENDOR_REDIS_URL_FILE exclude", id="both-forms"
        ),
        pytest.param(
            {"VENDOR_STORE_SECRET_KEY_FILE": "/nowhere/x"}, "VENDOR_STORE_SECRET_KEY_FILE cannot be read", id="no-file"
        ),
    ],
)
def test_each_mistake_has_its_sentence(changes: dict[str, str], said: str) -> None:
    assert any(said in problem for problem in problems(changes)), problems(changes)


def test_all_mistakes_are_told_at_once() -> None:
    found = problems({"VENDOR_PORT": "x", "VENDOR_REDIS_URL": "", "VENDOR_TYPO": "y"})

    assert len(found) == 3


def test_a_mistake_never_repeats_a_secret() -> None:
    found = problems({"VENDOR_REDIS_URL": "http://:s3cret@x", "VENDOR_STORE_SECRET_KEY": "vendorsecret"})

    assert not any("s3cret" in problem or "vendorsecret" in problem for problem in found)
