"""`make profile`: where the time of new leases goes, by component of the gateway's worker and by process of the stack.

    python -m tests.bench.profile [--store seaweedfs]… [--connections 16] [--seconds 12] [--output .bench]

A stack is started with each store, and the load of the scenario `lease` made three times: once to see what a lease
takes of each process, once while py-spy takes samples of the worker, and once more for its flame graph.  Written to
`profile.json`, `profile.txt` and `profile-STORE.svg`; `docs/update_profile.py` puts them into docs/performance.md.

py-spy has to read the worker's memory, which a gateway closes to all but root and CAP_SYS_PTRACE; the status is 2 if
it may not.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tests.bench.components import Component, by_component
from tests.bench.report import commit, machine
from tests.bench.scenarios.leases import new_leases
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.stack import STORES, Stack, running_stack
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import Load, Outcome

SAMPLES_A_SECOND: Final = 500
FLAMES_A_SECOND: Final = 200
WARM_UP: Final = 3.0
FLAMES: Final = 5.0
PATIENCE: Final = 60.0
_LEAST_MS: Final = 0.005
_WORKER: Final = "gateway"


class NotAllowed(Exception):
    """py-spy is missing, or may not look into the worker."""


@dataclass(frozen=True, slots=True)
class Process:
    """What one process of the stack took: milliseconds of processor for a lease, and how much of a core."""

    name: str
    ms: float
    cores: float

    def as_json(self) -> dict[str, Any]:
        """Return it for `profile.json`."""
        return {"name": self.name, "ms": round(self.ms, 4), "cores": round(self.cores, 3)}


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of new leases went with one store."""

    store: str
    connections: int
    outcome: Outcome
    processes: tuple[Process, ...]
    components: tuple[Component, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for `profile.json`."""
        return {
            "store": self.store,
            "connections": self.connections,
            "leases": self.outcome.good,
            **{name: round(value, 2) for name, value in self.outcome.figures().items()},
            "processes": [one.as_json() for one in self.processes],
            "components": [one.as_json() for one in self.components],
        }

    def lines(self) -> Iterator[str]:
        """Say it in lines of text."""
        yield f"new leases on {self.store}, {self.connections} at a time: {self.outcome.per_second:.0f} a second"
        yield ""
        yield f"{'process':28}  ms a lease   cores"
        for one in self.processes:
            yield f"{one.name:28}  {one.ms:10.3f}  {one.cores:6.2f}"
        yield ""
        yield f"{'the worker, by component':28}  ms a lease  percent"
        for component in self.components:
            whole = component.whole
            yield f"{whole.name:28}  {whole.ms:10.3f}  {whole.percent:7.1f}"
            yield from (f"    {one.name:60}  {one.ms:6.3f}  {one.percent:5.1f}" for one in component.heaviest)


class Profiler:
    """Makes the load on one stack, and looks at it."""

    def __init__(self, stack: Stack, connections: int) -> None:
        self._stack, self._connections = stack, connections
        self._url = stack.gateway.url
        self._requests = new_leases(self._url, stack.tokens["alice"])
        self._first = 0

    def profile(self, store: str, seconds: float, flames: Path) -> Profile:
        """Take it.  Raises NotAllowed and Refused."""
        worker = self._stack.gateway.child.pid
        with Generator() as generator, tempfile.TemporaryDirectory() as folder:
            self._load(generator, min(WARM_UP, seconds))
            before = self._processor_seconds()
            outcome = self._load(generator, seconds)
            spent = {name: total - before[name] for name, total in self._processor_seconds().items()}
            raw = Path(folder) / "stacks"
            sample(worker, seconds, raw, "raw", SAMPLES_A_SECOND, meanwhile=lambda: self._load(generator, seconds))
            short = min(FLAMES, seconds)
            sample(worker, short, flames, "flamegraph", FLAMES_A_SECOND, meanwhile=lambda: self._load(generator, short))
            stacks = raw.read_text(encoding="utf-8").splitlines()
        processes = [Process(name, 1000 * took / outcome.good, took / outcome.seconds) for name, took in spent.items()]
        return Profile(
            store,
            self._connections,
            outcome,
            tuple(sorted((one for one in processes if one.ms >= _LEAST_MS), key=lambda one: -one.ms)),
            tuple(by_component(stacks, 1000 * spent[_WORKER] / outcome.good)),
        )

    def _load(self, generator: Generator, seconds: float) -> Outcome:
        self._first += 1_000_000  # so that no lease is asked for twice
        return generator(Load(self._url, self._requests, self._connections, seconds, first_number=self._first))

    def _processor_seconds(self) -> Mapping[str, float]:
        """Return what each part of the stack took since its start, with all that it started."""
        found = {}
        for child in self._stack.children.all():
            leader = psutil.Process(child.pid)
            all_of_it = [leader, *leader.children(recursive=True)]
            found[child.name] = sum(sum(one.cpu_times()[:2]) for one in all_of_it)
        return found


def sample(pid: int, seconds: float, into: Path, form: str, rate: int, *, meanwhile: Callable[[], object]) -> None:
    """Take samples of a process for so long while something is done.  Raises NotAllowed."""
    options = ["--duration", str(max(1, round(seconds))), "--rate", str(rate), "--format", form, "--nolineno"]
    with subprocess.Popen(
        [py_spy(), "record", "--pid", str(pid), *options, "--output", str(into)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as spying:
        try:
            if spying.stdout is not None and spying.stdout.readline():  # it has begun
                meanwhile()
            _, said = spying.communicate(timeout=seconds + PATIENCE)
        finally:
            spying.kill()
    if spying.returncode or not into.exists():
        lines = [line.strip(" 0123456789:") for line in said.splitlines() if line.strip()] or ["it said nothing"]
        reason = next((line for line in lines if "ermission" in line), lines[0])
        raise NotAllowed(f"py-spy cannot look into the gateway's worker ({reason}): be root, or have CAP_SYS_PTRACE")


def py_spy() -> str:
    """Return where py-spy is.  Raises NotAllowed."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("py-spy", path=places)
    if found is None:
        raise NotAllowed("py-spy is not installed here: it comes with the extra `dev`")
    return found


def profiled(store: str, connections: int, seconds: float, folder: Path) -> Profile:
    """Start a stack and take its profile.  Raises NotAllowed and Refused."""
    with running_stack(store, refresh="5m") as stack:
        return Profiler(stack, connections).profile(store, seconds, folder / f"profile-{store}.svg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Take profiles, telling what they are; 2 where none can be taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="append", choices=STORES, help=f"default: {SEAWEEDFS} and {JUICEFS}")
    parser.add_argument("--connections", type=int, default=16, help="how many leases at a time")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long samples are taken")
    parser.add_argument("--output", type=Path, default=Path(".bench"), help="folder for the results")
    asked = parser.parse_args(arguments)
    if min(asked.connections, asked.seconds) < 1:
        parser.error("--connections and --seconds have to be at least 1")
    asked.output.mkdir(parents=True, exist_ok=True)
    found: list[Profile] = []
    try:
        py_spy()
        for store in asked.store or (SEAWEEDFS, JUICEFS):
            found.append(profiled(store, asked.connections, asked.seconds, asked.output))
            sys.stdout.write("\n".join([*found[-1].lines(), "", ""]))
            sys.stdout.flush()
    except NotAllowed as refused:
        sys.stderr.write(f"{refused}.\n")
        return 2
    content = {"schema": 1, "commit": commit(), "machine": machine(), "profiles": [one.as_json() for one in found]}
    (asked.output / "profile.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    text = "\n".join("\n".join([*one.lines(), ""]) for one in found)
    (asked.output / "profile.txt").write_text(text, encoding="utf-8")
    sys.stdout.write(f"written: {asked.output}/profile.json, profile.txt and flame graphs\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
