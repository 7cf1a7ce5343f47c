"""Cores for some: whoever is started here shares one core as long as it is asked for, and no longer."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.bench.cores import divisible, one_core

pytestmark = pytest.mark.skipif(not divisible(), reason="there is one core, or nothing can be told where to run")


@pytest.fixture
def child() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()


def test_this_process_and_what_it_has_started_share_one_core(child: int) -> None:
    all_cores = os.sched_getaffinity(0)

    with one_core():
        inside = (os.sched_getaffinity(0), os.sched_getaffinity(child))

    assert inside == ({max(all_cores)}, {max(all_cores)})
    assert os.sched_getaffinity(0) == os.sched_getaffinity(child) == all_cores
