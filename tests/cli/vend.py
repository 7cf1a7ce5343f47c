"""Run `vend` as people do: as a process of its own, with a home of its own, and look at all it says.

A run to its end is forked from a process that has imported everything already; what is started and left running is a
new interpreter.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["vendor.cli.main", "vendor.client.sync", "vendor.client.oidc", "vendor.cli.loopback"])


def _run(arguments: Sequence[str], environ: Mapping[str, str], home: str, files: str) -> None:
    """Become `vend`: in the fork, with its arguments, environment, folder and standard files."""
    from vendor.cli.main import main

    os.environ.clear()
    os.environ.update(environ)
    os.chdir(home)
    for number in range(3):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        opened = os.open(f"{files}/{number}", flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["vend", *arguments]
    main()


@dataclass(frozen=True)
class Said:
    """What a run printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def variables(self) -> dict[str, str]:
        """The variables of an output in the form of `env`."""
        return dict(line.split("=", 1) for line in self.out.splitlines() if "=" in line)


@dataclass
class Vend:
    """One user's installation: home folder and environment."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    _started: "list[subprocess.Popen[str]]" = field(default_factory=list, repr=False)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vendor.cli.main", *arguments]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "HOME": str(self.home), **self.environ, **(more or {})}

    def __call__(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Said:
        """Run to the end."""
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            (folder / "0").write_text(stdin)
            place = (str(self.home), made)
            running = _FORKS.Process(target=_run, args=(arguments, self.environment(env), *place))
            running.start()
            running.join(60)
            if running.exitcode is None:
                running.kill()
                running.join()
                raise TimeoutError(f"vend {' '.join(arguments)} did not end")
            code = running.exitcode
            running.close()
            return Said(code, (folder / "1").read_text(), (folder / "2").read_text())

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a run and leave it running; the fixture ends it."""
        running = subprocess.Popen(
            self.command(*arguments),
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
        )
        self._started.append(running)
        return running

    def close(self) -> None:
        """End every run that is left."""
        for running in self._started:
            with running:
                running.kill()

    def files(self) -> Sequence[Path]:
        """Every file in the home folder."""
        return sorted(path for path in self.home.rglob("*") if path.is_file())
