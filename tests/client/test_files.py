"""Private files: what is read, what is refused, and that a write is all or nothing."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from vendor.client import files
from vendor.client.errors import Unavailable, UnsafeFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "private"
    made.mkdir(mode=0o700)
    return made


def test_what_was_written_is_read_back(folder: Path) -> None:
    path = folder / "deeper" / "file"
    assert files.read_private(path) is None

    files.write_private(path, b"first")
    files.write_private(path, b"second")

    assert files.read_private(path) == b"second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208 - hidden leftovers count


def _mode(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(b"x")
        path.chmod(mode)

    return make


def _link(path: Path) -> None:
    files.write_private(path.with_name("real"), b"x")
    path.symlink_to("real")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _long(path: Path) -> None:
    files.write_private(path, b"x" * (files.MAX_BYTES + 1))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_mode(0o644), id="readable-by-all"),
        pytest.param(_mode(0o640), id="readable-by-group"),
        pytest.param(_mode(0o620), id="writable-by-group"),
        pytest.param(_link, id="link"),
        pytest.param(_dangling, id="dangling-link"),
        pytest.param(os.mkfifo, id="fifo"),
        pytest.param(Path.mkdir, id="folder"),
        pytest.param(_long, id="far-too-long"),
    ],
)
def test_what_is_not_safely_ours_is_refused(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "file")

    with pytest.raises(UnsafeFile, match="so it is not used"):
        files.read_private(folder / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(folder: Path) -> None:
    files.write_private(folder / "file", b"x")
    os.chown(folder / "file", 65534, -1)

    with pytest.raises(UnsafeFile, match="belongs to somebody else"):
        files.read_private(folder / "file")


def test_a_folder_that_others_may_change_is_not_written_to(folder: Path) -> None:
    folder.chmod(0o777)

    with pytest.raises(UnsafeFile, match="can be changed by others"):
        files.write_private(folder / "file", b"x")


def test_a_link_is_replaced_and_not_followed(folder: Path) -> None:
    (folder / "target").write_bytes(b"untouched")
    (folder / "file").symlink_to("target")

    files.write_private(folder / "file", b"secret")

    assert (folder / "target").read_bytes() == b"untouched"
    assert files.read_private(folder / "file") == b"secret"


def test_a_write_that_fails_leaves_the_old_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_private(folder / "file", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_private(folder / "file", b"new")
    monkeypatch.undo()

    assert files.read_private(folder / "file") == b"old"
    assert os.listdir(folder) == ["file"]  # noqa: PTH208 - hidden leftovers count


def test_readers_never_see_a_part(folder: Path) -> None:
    path, size = folder / "file", 200_000
    files.write_private(path, b"a" * size)
    done = threading.Event()

    def write() -> None:
        for round_ in range(50):
            files.write_private(path, (b"a" if round_ % 2 else b"b") * size)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        content = files.read_private(path)
        assert content is not None
        assert len(content) == size
        assert len(set(content)) == 1
    writer.join()


_HOLD = """
import sys
from pathlib import Path
from vendor.client import files
with files.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_holds_between_processes(folder: Path) -> None:
    path = folder / "file"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Unavailable, match="busy"), files.locked(path, seconds=0.1):
            pytest.fail("the lock was given twice")
        holder.stdin.close()
        with files.locked(path, seconds=10):
            pass


def test_a_lock_file_that_is_a_link_is_refused(folder: Path) -> None:
    (folder / "target").write_bytes(b"")
    (folder / ".file.lock").symlink_to("target")

    with pytest.raises(UnsafeFile), files.locked(folder / "file"):
        pytest.fail("the link was followed")
