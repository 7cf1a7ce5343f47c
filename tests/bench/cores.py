"""Cores for some: a store has one of the machine's cores for a while and everything else the others, or all share one.

A store that is not on the gateway's machine takes nothing from the gateway.  And what shares one core takes as long as
it takes of processor, whichever core of the machine is the slower one just now.  Where the system cannot be told which
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


@contextmanager
def one_core() -> Iterator[None]:
    """Have this process and all that it has started share one core as long as the block lasts."""
    cores = os.sched_getaffinity(0)
    try:
        _place(_others(store=None), {max(cores)})
        yield
    finally:
        _place(_others(store=None), cores)


def _others(store: int | None) -> Iterator[int]:
    """Yield the threads of this process and of all that it has started, but those of a `store`."""
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
