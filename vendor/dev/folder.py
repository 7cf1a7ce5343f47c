"""The one folder in which a development stack keeps everything: data, configuration, logs, secrets.

Private to its owner (0700, files 0600) and used by one stack at a time.  A given folder keeps its data and its secrets
from one start to the next; without one, a throw-away folder is made, and removed at the end.  What a killed stack could
not remove, the next one does.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_MARK = "vendor-dev.lock"
_THROW_AWAY = "vendor-dev-"
_ABANDONED_SECONDS = 60.0
_SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un on Linux, without the closing zero; macOS has 103
_LONGEST_SOCKET = "seaweedfs-master-grpc-65535.sock"


class FolderUnusableError(RuntimeError):
    """The folder cannot serve as a state folder; the message says why."""


class StateFolder:
    """Paths and secrets of one stack.  Safe to use from several threads."""

    def __init__(self, path: Path, *, throw_away: bool) -> None:
        self.path = path
        self.throw_away = throw_away
        self.logs = self.sub("logs")
        self.sockets = _folder_for_sockets(path)
        self._lock = threading.Lock()

    def sub(self, name: str) -> Path:
        """Return a private folder inside this one, made if need be."""
        folder = self.path / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def secret(self, name: str, length: int = 40) -> str:
        """Return the secret of this name: letters and digits, made at first use, kept as long as the folder."""
        file = self.path / "secrets.json"
        with self._lock:
            known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
            if name not in known:
                known[name] = secrets.token_hex(length)[:length]
                write_private(file, json.dumps(known, indent=1))
            return known[name]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a child: of ours only where programs are, so no AWS_* and no proxy."""
        return {
            "PATH": os.defpath,
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "HOME": str(self.path),
            "TMPDIR": str(self.sockets),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
            **(extra or {}),
        }


@contextmanager
def open_folder(path: Path | None) -> Iterator[StateFolder]:
    """Make or take over a state folder for as long as the block lasts; `None` makes a throw-away one."""
    throw_away = path is None
    place = _throw_away_folder() if path is None else _checked(path)
    folder = None
    try:
        with _only_user_of(place):
            folder = StateFolder(place, throw_away=throw_away)
            yield folder
    finally:
        if folder is not None and folder.sockets.parent != place:
            shutil.rmtree(folder.sockets, ignore_errors=True)
        if throw_away:
            shutil.rmtree(place, ignore_errors=True)


def write_private(file: Path, text: str) -> None:
    """Write `file` so that nobody else can read it (0600) and nobody ever sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # made with 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _throw_away_folder() -> Path:
    for other in Path(tempfile.gettempdir()).glob(f"{_THROW_AWAY}*"):
        _remove_if_abandoned(other)
    return Path(tempfile.mkdtemp(prefix=_THROW_AWAY))


def _remove_if_abandoned(place: Path) -> None:
    """Remove a throw-away folder of ours that nobody uses; a young one may belong to a stack that is just starting."""
    with contextlib.suppress(OSError, FolderUnusableError):
        age = time.time() - (place / _MARK).lstat().st_mtime
        if not place.is_symlink() and place.stat().st_uid == os.getuid() and age > _ABANDONED_SECONDS:
            with _only_user_of(place):
                shutil.rmtree(place, ignore_errors=True)


def _checked(path: Path) -> Path:
    place = path.expanduser().absolute()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusableError(f"cannot make the state folder {place}: {error.strerror}") from error
    if not (place / _MARK).exists() and any(place.iterdir()):
        raise FolderUnusableError(f"{place} is not empty and no state folder of this program; name another one")
    place.chmod(0o700)
    return place


@contextmanager
def _only_user_of(place: Path) -> Iterator[None]:
    with (place / _MARK).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderUnusableError(f"another development stack is using {place}") from error
        yield


def _folder_for_sockets(path: Path) -> Path:
    """Where children put unix sockets: inside the state folder, unless the names would be too long for the kernel."""
    inside = path / "tmp"
    if len(os.fsencode(inside / _LONGEST_SOCKET)) <= _SOCKET_PATH_LIMIT - 4:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    return Path(tempfile.mkdtemp(prefix="vdr-"))
