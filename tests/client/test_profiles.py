import os
from pathlib import Path

import pytest

from vendor.client import profiles
from vendor.client.errors import BadInput
from vendor.client.profiles import Config, Profile


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "vend" / "config.toml"
    config = Config(
        "work",
        {
            "work": Profile(
                gateway="https://v.example", issuer="https://i.example", client_id='a"b\\c\n\x7fé', store="fast"
            ),
            "dev": Profile(gateway="http://10.0.0.1", insecure_http=True),
        },
    )
    assert profiles.load(path) == Config()

    profiles.save(path, config)

    assert profiles.load(path) == config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("default = ", "not valid TOML", id="broken"),
        pytest.param("default = 1", "'default' is a text", id="default-no-text"),
        pytest.param('gateway = "x"', "not a known setting", id="unknown-setting"),
        pytest.param("[profiles]\nwork = 1", "not a table", id="profile-no-table"),
        pytest.param('[profiles.work]\ntoken = "x"', "unknown setting", id="unknown-member"),
        pytest.param("[profiles.work]\ngateway = 1", "is not a text", id="gateway-no-text"),
        pytest.param('[profiles.work]\ninsecure_http = "yes"', "is not a boolean", id="flag-no-boolean"),
        pytest.param('[profiles."../x"]\n', "not a profile name", id="path-as-name"),
        pytest.param("\xff", "not valid TOML", id="not-utf-8"),
    ],
)
def test_what_cannot_be_understood_is_said(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(BadInput, match=expected):
        profiles.load(path)


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o666)

    with pytest.raises(BadInput, match="changed by others"):
        profiles.load(path)


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")

    with pytest.raises(BadInput, match="not a regular file"):
        profiles.load(tmp_path / "config.toml")
