"""A gateway that serves sets aside what it consists of, so that no collection of garbage looks through it."""

import subprocess
import sys

from vendor.dev.stack import Stack
from vendor.operate.garbage import THRESHOLDS

CODE = """
import gc, uvicorn
uvicorn.run = lambda app, **how: print(gc.get_freeze_count(), gc.get_count()[0], gc.get_threshold())
from vendor.operate.serve import serve
serve()
"""


def test_what_there_is_when_it_begins_to_serve_is_set_aside(seaweedfs_stack: Stack) -> None:
    program = seaweedfs_stack.gateway.child.program

    out = subprocess.run(
        [sys.executable, "-c", CODE],
        env=dict(program.environment),
        cwd=program.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    frozen, since, thresholds = out.split(maxsplit=2)
    assert int(frozen) > 100_000
    assert int(since) < 1_000
    assert thresholds == f"{THRESHOLDS}\n"
