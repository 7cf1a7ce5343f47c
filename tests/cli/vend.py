"""Run `vend` as people do: as a process of its own, with a home of its own, and look at all it says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


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
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.home,
        )
        return Said(done.returncode, done.stdout, done.stderr)

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
