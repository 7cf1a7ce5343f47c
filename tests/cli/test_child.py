"""`vend exec` stands in its child's place: status, signals, files.  A stub speaks for the gateway."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.cli.vend import Vend
from tests.client.leases import lease
from tests.client.stub import Reply, Stub, stub_server
from tests.support.waiting import eventually

TELL = "import os, signal, sys, time\n"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        made.answer = lambda _seen: Reply(201, lease())
        yield made


@pytest.fixture
def offline(vend: Vend, stub: Stub) -> Vend:
    vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
    return vend


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", TELL + code)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param(("true",), 0, id="true"),
        pytest.param(("sh", "-c", "exit 7"), 7, id="status"),
        pytest.param(("sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM, id="killed"),
        pytest.param(("no-such-command-here",), 127, id="not-found"),
        pytest.param(("/",), 126, id="not-executable"),
    ],
)
def test_the_status_is_passed_on(offline: Vend, command: tuple[str, ...], code: int) -> None:
    assert offline("exec", "--", *command).code == code
    assert offline("exec", *command).code == code  # the '--' may be left out


def test_arguments_arrive_as_they_are(offline: Vend) -> None:
    strange = ["", " ", "--json", "--help", "*", "$HOME", "'\"\\", "a\nb", "-"]
    said = offline("exec", "--", *python("print(sys.argv[1:])"), *strange)

    assert said.out == f"{strange}\n"


def test_standard_files_are_the_childs(offline: Vend) -> None:
    said = offline("exec", "--", *python("print(sys.stdin.read(), end=''); print('err', file=sys.stderr)"), stdin="in")

    assert (said.out, said.err) == ("in", "err\n")


def test_open_files_reach_the_child(offline: Vend) -> None:
    """bash's <(…) is one."""
    read, write = os.pipe()
    os.write(write, b"through")
    os.close(write)
    done = subprocess.run(
        offline.command("exec", "--", *python(f"print(os.read({read}, 99).decode())")),
        env=offline.environment(),
        pass_fds=[read],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(read)
    assert done.stdout == "through\n"


WAIT_FOR_SIGNAL = """
def got(number, _frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")  # print may be interrupted by this very handler
    os._exit(9)
for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"):
    signal.signal(getattr(signal, name), got)
os.write(1, b"ready\\n")
time.sleep(30)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"])
def test_signals_are_passed_on(offline: Vend, name: str) -> None:
    running = subprocess.Popen(
        offline.command("exec", "--", *python(WAIT_FOR_SIGNAL)),
        env=offline.environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal: nobody else sends it to the child
    )
    with running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(getattr(signal, name))
        assert running.stdout.readline() == f"{name}\n"
        assert running.wait(20) == 9


COUNT_INTERRUPTS = """
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
def wait_for(count, seconds):
    deadline = time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < deadline:
        time.sleep(0.01)
os.write(1, b"ready\\n")
wait_for(1, 30)
os.write(1, b"first\\n")
wait_for(2, 1)
os.write(1, b"interrupts: %d\\n" % len(seen))
"""


class Terminal:
    """A terminal of its own, with `vend` in the foreground of it."""

    def __init__(self, vend: Vend, *arguments: str) -> None:
        self.said = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            command = vend.command(*arguments)
            os.execve(command[0], command, vend.environment())  # noqa: S606 - no shell is wanted

    def wait_for(self, word: str) -> None:
        def look() -> bool:
            self.said += os.read(self._terminal, 4096).decode()
            return word in self.said

        eventually(look, within=20, what=word)

    def stop(self) -> None:
        """Stop `vend` itself, and wait until it is."""
        os.kill(self._pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(self._pid).status() == psutil.STATUS_STOPPED)

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def end(self) -> int:
        _pid, status = os.waitpid(self._pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)


def test_ctrl_c_reaches_the_child_once(offline: Vend) -> None:
    """The terminal sends it to both; passing it on would make two of it."""
    terminal = Terminal(offline, "exec", "--", *python(COUNT_INTERRUPTS))
    terminal.wait_for("ready")
    terminal.stop()  # it gets the interrupt later than the child, so that two could be told apart
    terminal.type(b"\x03")
    terminal.wait_for("first")
    terminal.go_on()
    terminal.wait_for("interrupts:")

    assert terminal.end() == 0
    assert "interrupts: 1" in terminal.said


def test_ctrl_c_ends_a_child_that_does_not_care(offline: Vend) -> None:
    # Not a shell that forks just then: its newborn child may miss the signal, with vend or without.
    code = "signal.signal(signal.SIGINT, signal.SIG_DFL); os.write(1, b'ready'); time.sleep(30)"
    terminal = Terminal(offline, "exec", "--", *python(code))
    terminal.wait_for("ready")
    terminal.type(b"\x03")

    assert terminal.end() == 128 + signal.SIGINT


def test_ignored_signals_stay_ignored(offline: Vend) -> None:
    """`nohup vend exec …` keeps its meaning."""
    done = subprocess.run(
        [
            "sh",
            "-c",
            'trap "" HUP; exec "$@"',
            "sh",
            *offline.command("exec", "--", *python("print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)")),
        ],
        env=offline.environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "True\n"
