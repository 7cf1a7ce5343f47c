"""Ask a gateway at random, along its own document: `python -m tests.openapi.fuzz`, or `make test-schemathesis`.

The stack is the run's own, since it deletes and shares whatever it finds.  Limits on asks are off: a 429 says nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.contract import closed
from vendor.dev.stack import Stack, running_stack

HERE: Final = Path(__file__).parent
SETTINGS: Final = {"VENDOR_LIMIT_VEND_BURST": "0", "VENDOR_LIMIT_SHARE_BURST": "0"}
LEAST: Final = 3000
ENDLESS: Final = ("/v1/audit/tail",)
"""Answers that go on until the caller leaves; they have tests of their own."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run: how many requests were made up, whether all was well, and what schemathesis says."""

    cases: int
    well: bool
    text: str


def run(stack: Stack, *options: str, seconds: float) -> Outcome:
    """Send requests to the stack's gateway.  `options` are those of `schemathesis run`."""
    folder = stack.folder.sub("fuzz")
    described = folder / "openapi.json"
    described.write_text(json.dumps(closed()), "utf-8")
    environment = {
        **os.environ,
        "FUZZ_URL": stack.gateway.url,
        "FUZZ_TOKENS": json.dumps(stack.tokens),
        "SCHEMATHESIS_HOOKS": "tests.openapi.fuzz_hooks",
        "PYTHONPATH": str(HERE.parents[1]),
    }
    left_out = [option for path in ENDLESS for option in ("--exclude-path", path)]
    program = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(HERE / "schemathesis.toml")]
    done = subprocess.run(
        [*program, "run", str(described), "--url", stack.gateway.url, "--continue-on-failure", *left_out, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    found = re.search(r"(\d+) generated", done.stdout)
    well = done.returncode == 0 and "unhandled failure" not in stack.gateway.child.program.log.read_text("utf-8")
    return Outcome(int(found[1]) if found else 0, well, done.stdout + done.stderr)


def main() -> int:
    """Run at length.  Status 0 if nothing was found in at least `LEAST` requests."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--examples", default="12", help="how many made-up requests for each operation, beside the edges"
    )
    parser.add_argument("--seed", default=None)
    asked = parser.parse_args()
    seed = ["--seed", asked.seed] if asked.seed else []
    with running_stack(settings=SETTINGS) as stack:
        outcome = run(stack, "--max-examples", asked.examples, *seed, seconds=1800)
    shown = [line[:400] for line in outcome.text.splitlines()]
    verdict = f"{outcome.cases} requests, at least {LEAST} wanted: {'nothing found' if outcome.well else 'FAILED'}"
    sys.stdout.write("\n".join([*shown, verdict, ""]))
    return 0 if outcome.well and outcome.cases >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
