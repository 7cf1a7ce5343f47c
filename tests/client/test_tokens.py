"""Where tokens are found, and what is not taken for one."""

import os
from pathlib import Path

import pytest

from vendor.client.errors import SignInNeeded, UnsafeFile
from vendor.client.tokens import MAX_TOKEN_BYTES, find_token, parse_token, read_token_file


def _no_warning(text: str) -> None:
    pytest.fail(f"warned: {text}")


@pytest.mark.parametrize("text", ["abc", " abc\n", "eyJ.a_b-c.d==", "ABC234+/"])
def test_tokens(text: str) -> None:
    assert parse_token(text, "here").reveal() == text.strip()


@pytest.mark.parametrize(
    "text", ["", " \n", "two words", "a\nX-Evil: 1", "a\r\n\r\nb", "a\0b", "tökén", "{}", "x" * (MAX_TOKEN_BYTES + 1)]
)
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SignInNeeded) as refused:
        parse_token(text, "here")
    assert not text.strip() or text.strip() not in str(refused.value)


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    path.chmod(0o600)
    found = find_token(str(path), {}, warn=_no_warning, stdin=str)
    assert found is not None
    assert found.provide().reveal() == "first"

    path.write_text("second")

    assert found.provide().reveal() == "second"


def test_a_link_is_followed_as_kubernetes_projects_them(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "token").write_text("abc")
    (tmp_path / "..data" / "token").chmod(0o600)
    (tmp_path / "token").symlink_to("..data/token")

    assert read_token_file(tmp_path / "token", _no_warning).reveal() == "abc"


def test_a_file_that_others_may_read_is_used_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    (tmp_path / "token").chmod(0o644)
    warnings: list[str] = []

    assert read_token_file(tmp_path / "token", warnings.append).reveal() == "abc"

    assert len(warnings) == 1
    assert "abc" not in warnings[0]


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    (tmp_path / "token").chmod(0o666)

    with pytest.raises(UnsafeFile, match="may change"):
        read_token_file(tmp_path / "token", _no_warning)


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token", 0o600)

    with pytest.raises(SignInNeeded, match="not a regular file"):
        read_token_file(tmp_path / "token", _no_warning)


@pytest.mark.parametrize("path", ["missing", "."])
def test_what_cannot_be_read(tmp_path: Path, path: str) -> None:
    with pytest.raises(SignInNeeded):
        read_token_file(tmp_path / path, _no_warning)


def test_empty_variables_do_not_count() -> None:
    environ = {"VENDOR_TOKEN": "", "KBASE_AUTH_TOKEN": "", "KB_AUTH_TOKEN": "kb"}
    found = find_token(None, environ, warn=_no_warning, stdin=str)

    assert found is not None
    assert found.origin == "KB_AUTH_TOKEN"
    assert find_token(None, {"VENDOR_TOKEN": ""}, warn=_no_warning, stdin=str) is None
