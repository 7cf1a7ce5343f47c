"""No signal is missed: neither one that another thread gets nor one that comes just before the wait."""

import subprocess
import sys

import pytest

HARNESS = """
import os, signal, sys, threading
from vendor import signals

signals.LOOK_EVERY = 600.0
got = []
other = threading.Thread(target=threading.Event().wait, daemon=True)
other.start()
def done():
    if got:
        return True
    {send}
    return False  # and now it waits
with signals.Handling({{signal.SIGUSR1: lambda number, _frame: got.append(number)}}) as handling:
    handling.wait_until(done)
print(got == [signal.SIGUSR1], signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL, signal.set_wakeup_fd(-1))
"""
TO_ANOTHER_THREAD = "signal.pthread_kill(other.ident, signal.SIGUSR1)"
JUST_BEFORE = "signal.raise_signal(signal.SIGUSR1)"


@pytest.mark.parametrize("send", [TO_ANOTHER_THREAD, JUST_BEFORE], ids=["to-another-thread", "just-before"])
def test_a_signal_ends_the_wait(send: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HARNESS.format(send=send)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True True -1\n", "")


ASKED = """
import signal
from vendor.signals import Asked

signal.signal(signal.SIGHUP, signal.SIG_IGN)
with Asked() as asked:
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            signal.raise_signal(number)
        except BaseException as stopped:
            print(repr(stopped))
    asked.hold()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.raise_signal(number)
    asked.wait()
    print(*asked.received)
print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)
"""


def test_nothing_that_has_to_be_ended_is_cut_off() -> None:
    """Before it is held, a signal stops us; after, it is remembered.  What was ignored stays ignored."""
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("KeyboardInterrupt()\nSystemExit(143)\n15 2\nTrue\n", "")
