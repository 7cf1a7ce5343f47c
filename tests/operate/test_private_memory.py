"""A serving process dumps no core and lets nobody read its memory."""

import subprocess
import sys

import pytest

CODE = """
import ctypes, resource
from vendor.operate.private_memory import keep_memory_private
before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
keep_memory_private()
print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_process_is_closed() -> None:
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60).stdout

    assert out.split(maxsplit=2) == ["1", "0", "(0, 0)\n"]
