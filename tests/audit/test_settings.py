"""The settings of the audit log: what belongs together, and what must not be."""

from pathlib import Path

import pytest

from tests.test_settings import GOOD
from vendor.environment import SettingsError
from vendor.settings import Settings, load


def settings(**more: str) -> Settings:
    return load({**GOOD, **{f"VENDOR_AUDIT_{name.upper()}": value for name, value in more.items()}})


BUCKET = {"s3_endpoint": "https://s3.example.org", "s3_bucket": "audit", "s3_access_key": "a", "s3_secret_key": "b"}


def test_without_anything_the_keys_lie_with_the_issuers_and_nothing_is_delivered() -> None:
    found = settings()

    assert found.audit_keys == Path("keys/audit")
    assert found.audit_required == ()
    assert settings(keys_dir="own").audit_keys == Path("own")
    assert settings(key="pem").audit_keys is None


def test_which_sinks_must_have_an_event() -> None:
    found = settings(file_dir="x", stdout="true", webhook_url="https://h.example", webhook_secret="s", **BUCKET)

    assert found.audit_required == ("file", "stdout", "webhook", "s3")
    assert settings(file_dir="x", stdout="true", best_effort="stdout,s3").audit_required == ("file",)
    assert "s3cret" not in repr(settings(webhook_url="https://h.example", webhook_secret="s3cret"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": "pem", "keys_dir": "x"}, "exclude each other"),
        ({"webhook_url": "https://h.example"}, "belong together"),
        ({"webhook_secret": "s"}, "belong together"),
        ({"webhook_url": "http://h.example", "webhook_secret": "s"}, "must be https"),
        ({"webhook_url": "https://u:p@h.example", "webhook_secret": "s"}, "without user and password"),
        ({"webhook_url": "file:///etc/passwd", "webhook_secret": "s"}, "is not an http(s) URL"),
        ({**BUCKET, "s3_secret_key": ""}, "belong together"),
        ({**BUCKET, "s3_prefix": "a//"}, "S3_PREFIX"),
        ({**BUCKET, "s3_prefix": "a"}, "S3_PREFIX"),
        ({"best_effort": "files"}, "BEST_EFFORT"),
        ({"keep_days": "0"}, "KEEP_DAYS"),
        ({"file_bytes": "10"}, "FILE_BYTES"),
    ],
)
def test_mistakes_are_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**given)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
