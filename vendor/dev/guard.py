"""Become another program that cannot outlive the process which started it.

Run as a script: `python -I -S guard.py PARENT-PID PROGRAM [ARGUMENT…]`.  On Linux the kernel is told to kill this
process as soon as its parent is gone, however the parent went; the order survives the `exec`.  Elsewhere it only
replaces itself.
A program of its own, because the same in a `preexec_fn` would run Python between fork and exec of a threaded process.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then replace it."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            sys.exit(f"prctl failed: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != parent:  # it died before the order was in force
            sys.exit("the starting process is gone")
    try:
        os.execvpe(command[0], command, os.environ)  # noqa: S606  # no shell is wanted
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
