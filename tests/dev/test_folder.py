"""The state folder: private, one user at a time, kept or thrown away."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from vendor.dev.folder import FolderUnusableError, open_folder, write_private


def test_a_throw_away_folder_is_private_and_goes_away() -> None:
    with open_folder(None) as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        folder.secret("x")
        assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600
    assert not folder.path.exists()


def test_it_goes_away_after_a_failure_too() -> None:
    with pytest.raises(ZeroDivisionError), open_folder(None) as folder:
        raise ZeroDivisionError
    assert not folder.path.exists()


def test_a_given_folder_keeps_its_secrets(tmp_path: Path) -> None:
    with open_folder(tmp_path / "state") as folder:
        first, other = folder.secret("one"), folder.secret("two", 20)
    with open_folder(tmp_path / "state") as folder:
        assert folder.secret("one") == first != other
        assert len(other) == 20


def test_a_folder_with_somebody_elses_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderUnusableError, match="not empty"), open_folder(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_stacks_cannot_share_a_folder(tmp_path: Path) -> None:
    with (
        open_folder(tmp_path / "state"),
        pytest.raises(FolderUnusableError, match="another"),
        open_folder(tmp_path / "state"),
    ):
        pass
    with open_folder(tmp_path / "state"):
        pass


def test_sockets_get_a_short_path_even_in_a_deep_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with open_folder(deep) as folder:
        sockets = folder.sockets
        assert len(str(sockets)) < 60
        assert sockets.is_dir()
    assert not sockets.exists()
    assert deep.is_dir()


def test_what_a_killed_stack_left_is_removed_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, age in (("left", 3600), ("starting", 0)):
        (tmp_path / f"vendor-dev-{name}").mkdir()
        (tmp_path / f"vendor-dev-{name}" / "vendor-dev.lock").touch()
        os.utime(tmp_path / f"vendor-dev-{name}" / "vendor-dev.lock", (time.time() - age,) * 2)
    (tmp_path / "vendor-dev-not-ours").mkdir()
    with open_folder(None) as running:
        os.utime(running.path / "vendor-dev.lock", (0, 0))
        with open_folder(None):
            assert running.path.exists()
    assert sorted(place.name for place in tmp_path.iterdir()) == ["vendor-dev-not-ours", "vendor-dev-starting"]


def test_a_child_inherits_neither_keys_nor_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "https_proxy", "HTTP_PROXY", "S3_BUCKET", "VENDOR_TOKEN"):
        monkeypatch.setenv(name, "secret")
    with open_folder(None) as folder:
        assert "secret" not in folder.environment({"A": "b"}).values()


def test_private_files_are_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, json.dumps({"a": 1}))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"a": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["f.json"]
