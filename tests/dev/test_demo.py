"""The demo is a test of its own: it ends well on a good stack, and says which step did not hold on a bad one."""

import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from vendor.dev.tell import StepFailed, Teller, claim


def test_the_story_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vendor.dev.demo"], capture_output=True, text=True, timeout=110, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 17 steps held" in done.stdout


def test_a_step_that_does_not_hold_ends_the_story() -> None:
    out = StringIO()
    teller = Teller(Console(file=out))

    def tell(colour: str) -> None:
        with teller.step("the sky is blue"):
            claim(colour == "blue", f"the sky is {colour}")

    tell("blue")
    with pytest.raises(StepFailed, match="step 2 did not hold: the sky is green"):
        tell("green")
    assert "✓" in out.getvalue()
    assert "✗" in out.getvalue()
