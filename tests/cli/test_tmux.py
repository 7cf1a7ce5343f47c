"""One working day in a terminal, by tmux: sign in, run something, watch the audit log in the pane beside it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.vend import Vend
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="there is no tmux on the PATH")


class Screen:
    """A tmux of its own, with panes in which keys are typed and text is read."""

    def __init__(self, vend: Vend, folder: Path) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = {"TERM": "xterm-256color", "PATH": path, "PS1": "$ ", "SHELL": "/bin/sh", "LC_ALL": "C.UTF-8"}
        self._environ = vend.environment(shell)
        self._socket = folder / "tmux"
        self.run("new-session", "-d", "-x", "200", "-y", "50", "-c", str(vend.home), "sh")

    def run(self, *arguments: str) -> str:
        assert TMUX is not None
        done = subprocess.run(
            [TMUX, "-f", "/dev/null", "-S", str(self._socket), *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout

    def split(self) -> None:
        self.run("split-window", "-v", "sh")

    def type(self, pane: int, text: str) -> None:
        self.run("send-keys", "-t", f".{pane}", "-l", text)
        self.run("send-keys", "-t", f".{pane}", "Enter")

    def press(self, pane: int, key: str) -> None:
        self.run("send-keys", "-t", f".{pane}", key)

    def shows(self, pane: int, pattern: str) -> str:
        """Wait until a pane shows what `pattern` finds, and return its first group, or all of it."""

        def look() -> re.Match[str] | None:
            return re.search(pattern, self.run("capture-pane", "-p", "-J", "-t", f".{pane}"))

        found = eventually(look, within=40, what=f"{pattern!r} in pane {pane}")
        assert found is not None
        return str(found[found.re.groups])


@pytest.fixture
def screen(vend: Vend, seaweedfs_stack: "Stack", tmp_path: Path) -> Iterator[Screen]:
    vend.environ["VENDOR_URL"] = seaweedfs_stack.gateway.url
    made = Screen(vend, tmp_path)
    yield made
    made.run("kill-server")


def test_login_exec_and_audit_tail(screen: Screen, seaweedfs_stack: "Stack") -> None:
    screen.type(0, "vend login --device")
    seaweedfs_stack.idp.approve(screen.shows(0, r"confirm the code (\S+)"), "alice")
    screen.shows(0, "Signed in as alice")

    screen.split()
    screen.type(1, "vend audit tail --kind vend.issued")
    screen.shows(1, "Following the audit log until Ctrl-C")

    screen.type(0, "vend exec --job by-hand -- sh -c 'echo it has $AWS_REGION; read line; exit 5'")
    lease = screen.shows(0, r"(l_[a-z0-9]+): \d+ paths for alice until 20")
    screen.shows(0, "it has us-east-1")
    screen.shows(1, rf"vend\.issued  alice  allowed  lease {lease}")
    screen.type(0, "done")
    screen.type(0, "echo ended with $?")
    screen.shows(0, "ended with 5")

    screen.type(0, f"vend audit show --lease {lease}")
    screen.shows(0, r"lease\.revoked")
    screen.press(1, "C-c")
    screen.type(1, "echo tail ended with $?")
    screen.shows(1, "tail ended with 130")
