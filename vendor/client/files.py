"""Small private files: a reader that trusts nothing it finds, a writer that never leaves half a file, and a lock.

What is written here can be a refresh token, so a file counts only if it is a regular file of ours that nobody else can
read, in a folder that nobody else can write.
"""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from vendor.client.errors import Unavailable, UnsafeFile

MAX_BYTES = 256 * 1024
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not make us wait


@contextmanager
def opened(path: Path, *, follow_links: bool = False) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """Open a regular file, and only that, for reading; its status is that of what was opened.

    Raises OSError with a `strerror` for people.
    """
    descriptor = os.open(path, os.O_RDONLY | (_OPEN & ~os.O_NOFOLLOW if follow_links else _OPEN))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file, status
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes | None:
    """Return the content of a private file, None if there is none, or raise UnsafeFile."""
    try:
        with opened(path) as (file, status):
            _check_file(path, status)
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = "is a symbolic link" if error.errno == errno.ELOOP else f"cannot be used ({error.strerror})"
        raise _unsafe(path, why) from None
    if len(content) > MAX_BYTES:
        raise _unsafe(path, "is far too long")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace a private file in one step; readers see the old content or the new, never a part."""
    with replaced(path, _private_folder(path.parent)) as file:
        file.write(content)


@contextmanager
def replaced(path: Path, folder: Path) -> Iterator[IO[bytes]]:
    """Write a file that appears in the place of `path` once it is whole, and is only for us; not at all on failure."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)  # mode 0600, never follows a link
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_private(path: Path) -> bool:
    """Remove a file (or the link that lies in its place); say whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unsafe(path, f"cannot be removed ({error.strerror})") from None
    return True


@contextmanager
def locked(path: Path, *, seconds: float = 30.0, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock that belongs to `path`; wait for other holders at most `seconds`."""
    lock = _private_folder(path.parent) / f".{path.name}.lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
    except OSError as error:
        raise _unsafe(lock, f"cannot be opened ({error.strerror})") from None
    try:
        status = os.fstat(descriptor)
        _check_file(lock, status)
        if not stat.S_ISREG(status.st_mode):
            raise _unsafe(lock, "is not a regular file")
        _acquire(descriptor, path, time.monotonic() + seconds, sleep)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float, sleep: Callable[[float], None]) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(f"Another 'vend' has been busy with {path} for too long.") from None
            sleep(0.05)
        else:
            return


def _check_file(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise _unsafe(path, "belongs to somebody else")
    if status.st_mode & 0o077:
        raise _unsafe(path, "can be read or changed by others")


def _private_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise _unsafe(folder, f"cannot be used as a folder ({error.strerror})") from None
    if status.st_uid != os.geteuid():
        raise _unsafe(folder, "belongs to somebody else")
    if status.st_mode & 0o022:
        raise _unsafe(folder, "can be changed by others")
    return folder


def _unsafe(path: Path, why: str) -> UnsafeFile:
    return UnsafeFile(
        f"{path} {why}, so it is not used.",
        remedy=f"Look at it, remove it, and sign in again: 'rm {path}; vend login'.",
    )
