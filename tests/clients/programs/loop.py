"""What every Python client does: write and read inside its grant for a while, and try the folder beside it.

Prints one line of JSON at the end.  Runs in the client's own environment, so it imports nothing of the project.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable

BUCKET = os.environ["CLIENT_BUCKET"]
INSIDE = os.environ["CLIENT_INSIDE"]
OUTSIDE = os.environ["CLIENT_OUTSIDE"]
ENDPOINT = os.environ["CLIENT_ENDPOINT"]
REGION = os.environ["AWS_REGION"]
SECONDS = float(os.environ["CLIENT_SECONDS"])
DENIED = re.compile(
    r"AccessDenied|Access Denied|Forbidden|\b403\b|ACCESS_DENIED|PermissionError|permission", re.IGNORECASE
)


def run(version: str, put: Callable[[str, bytes], object], get: Callable[[str], bytes], pause: float = 0.3) -> None:
    """Drive one client, given how it writes and reads an object by its key."""
    began, rounds = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        content = f"round {rounds}".encode()
        put(f"{INSIDE}round", content)
        assert get(f"{INSIDE}round") == content, "read something else than was written"
        rounds += 1
        time.sleep(pause)
    refused = _refused(lambda: get(f"{OUTSIDE}hello.txt")) and _refused(lambda: put(f"{OUTSIDE}mine", b"x"))
    print(json.dumps({"version": version, "rounds": rounds, "denied": refused}))


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except BaseException as problem:
        if DENIED.search(f"{type(problem).__name__} {problem}"):
            return True
        print(f"refused in another way: {type(problem).__name__}: {problem}", file=sys.stderr)
        return False
    return False
