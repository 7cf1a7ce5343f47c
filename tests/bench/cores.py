"""Cores of their own: a store has one of the machine's cores for a while, and everything else has the others.

A store that is not on the gateway's machine takes nothing from the gateway.  Where the system cannot be told which
process runs where, or there is one core, nothing is measured this way.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from vendor.dev.stack import Stack


def divisible() -> bool:
    """Say whether processes can be told where to run, and there is more than one core."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


@contextmanager
def store_apart(stack: Stack) -> Iterator[None]:
    """Give the store of a stack a core of its own as long as the block lasts."""
    cores = os.sched_getaffinity(0)
    first = {min(cores)}
    store = stack.store.child.pid
    try:
        _place(_threads(store), first)
        _place(_others(store), cores - first)
        yield
    finally:
        _place([*_threads(store), *_others(store)], cores)


def _others(store: int) -> Iterator[int]:
    """Yield the threads of this process and of all that it has started, but the store's."""
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        if process.pid != store:
            yield from _threads(process.pid)


def _threads(process: int) -> list[int]:
    with suppress(FileNotFoundError):  # it has ended
        return [int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir()]
    return []


def _place(threads: Iterable[int], cores: set[int]) -> None:
    for thread in threads:
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)
