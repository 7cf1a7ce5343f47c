"""What a page shows: blocks that are marked as tested, and scripts run as they stand."""

import re
import subprocess


def block(page: str, name: str) -> str:
    """Return the block of a page that is marked as tested under this name."""
    found = re.search(rf"<!-- tested: {name} -->\n```[a-z]+\n(.*?)```", page, re.DOTALL)
    assert found is not None, f"there is no tested block {name!r}"
    return found[1]


def run(script: str, shell: dict[str, str]) -> str:
    """Run a script with just this environment, in its home, and return what it prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=shell,
        cwd=shell["HOME"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
