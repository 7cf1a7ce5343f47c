"""Say which callbacks hold up the event loop: everything else that is under way waits for them.

asyncio's own debug mode is no help on a gateway that serves: it walks the stack for each callback that is scheduled,
and its lines hold what a callback was called with, which may be a token.  Here each callback is timed and nothing more;
one that took longer than the bound is logged by the name of its code, with the processor time that it had (little
means that the machine was busy elsewhere), with what of it was collection of garbage, and with the lines of code at
which a second thread saw it.  Names of code and numbers of lines are all that is ever looked at.

Not timed is what uvloop does by itself between callbacks, such as handing on bytes that came in.  A collection of
garbage is told of there, too.
"""

import asyncio
import gc
import os
import sys
import sysconfig
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import structlog

EVENT: Final = "slow callback"
COLLECTION: Final = "collection of garbage"
_OURS: Final = str(Path(__file__).parent) + os.sep
_ROOTS: Final = (str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("purelib", "stdlib")))
_MOST_TOLD: Final = 3
_log = structlog.get_logger(__name__)


@contextmanager
def telling_slow_callbacks(bound_ms: int | None) -> Iterator[None]:
    """Log every callback of the running loop that takes longer, for as long as the block lasts; None for never."""
    if bound_ms is None:
        yield
        return
    loop = asyncio.get_running_loop()
    watch = _Watch(bound_ms / 1000)
    timed = {name: watch.timing(getattr(loop, name), at) for name, at in _SCHEDULING.items()}
    vars(loop).update(timed)
    gc.callbacks.append(watch.on_collection)
    watch.start()
    try:
        yield
    finally:
        for name in timed:
            vars(loop).pop(name)
        gc.callbacks.remove(watch.on_collection)
        watch.stop()


_SCHEDULING: Final = {"call_soon": 0, "call_soon_threadsafe": 0, "call_later": 1, "call_at": 1}
"""The loop's methods that every task and timer goes through, and where the callback stands among their arguments."""


class _Watch:
    """Times the callbacks of one loop, and looks at long ones from another thread."""

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self._loop_thread = threading.get_ident()
        self._began = 0.0  # when the present callback did; 0 between callbacks
        self._collecting = self._collected = self._collected_between = 0.0
        self._seen: Counter[str] = Counter()
        self._seen_of = 0.0
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._look_again_and_again, name="slow-callbacks", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._watcher.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._watcher.join()

    def timing(self, schedule: Callable[..., Any], at: int) -> Callable[..., Any]:
        """Return a method like `schedule` by which callbacks are timed."""

        def scheduled(*arguments: Any, **more: Any) -> Any:
            callback = arguments[at]
            if not (isinstance(callback, partial) and callback.func == self._run):  # asyncio's call_later uses call_at
                callback = partial(self._run, callback)
            return schedule(*arguments[:at], callback, *arguments[at + 1 :], **more)

        return scheduled

    def _run(self, callback: Callable[..., object], *arguments: Any) -> None:
        self._collected = 0.0
        worked, self._began = time.thread_time(), time.perf_counter()
        began = self._began
        try:
            callback(*arguments)
        finally:
            took, self._began = time.perf_counter() - began, 0.0
            if took > self._bound:
                self._tell(callback, began, took, time.thread_time() - worked)

    def _tell(self, callback: Callable[..., object], began: float, took: float, worked: float) -> None:
        seen = self._seen.most_common(_MOST_TOLD) if self._seen_of == began else []
        _log.warning(
            EVENT,
            callback=_name(callback),
            ms=round(took * 1000, 1),
            cpu_ms=round(worked * 1000, 1),
            gc_ms=round(self._collected * 1000, 1),
            seen="; ".join(place for place, _ in seen),
        )

    def on_collection(self, phase: str, _about: dict[str, int]) -> None:
        """Take the time of a collection of garbage, which everything waits for whichever thread began it.

        It comes at any moment, also while a line is being logged: so the other thread says so, if it is to be said.
        """
        if phase == "start":
            self._collecting = time.perf_counter()
            return
        took = time.perf_counter() - self._collecting
        self._collected += took
        if not self._began and took > self._bound:
            self._collected_between = took

    def _look_again_and_again(self) -> None:
        while not self._stopping.wait(self._bound / 4):
            if self._collected_between:
                took, self._collected_between = self._collected_between, 0.0
                _log.warning(EVENT, callback=COLLECTION, ms=round(took * 1000, 1))
            began = self._began
            if began and (place := _place(sys._current_frames().get(self._loop_thread))):
                if self._seen_of != began:
                    self._seen, self._seen_of = Counter(), began
                self._seen[place] += 1


def _place(frame: FrameType | None) -> str:
    """Say where a frame is: the innermost line of the gateway's, and what that calls, if it is something else."""
    innermost = None
    while frame is not None and frame.f_code is not _Watch._run.__code__:
        here = _at(frame.f_code, frame.f_lineno)
        innermost = innermost or here
        if frame.f_code.co_filename.startswith(_OURS):
            return here if here == innermost else f"{here} > {innermost}"
        frame = frame.f_back
    return innermost or ""


def _name(callback: Any) -> str:
    """Say what a callback runs: of a step of a task its coroutine, and where that is defined."""
    task = getattr(callback, "__self__", None)
    code: Any = task.get_coro() if isinstance(task, asyncio.Task) else callback
    while isinstance(code, partial):
        code = code.func
    for attribute in ("cr_code", "gi_code", "__code__"):
        if isinstance(found := getattr(code, attribute, None), CodeType):
            return _at(found, found.co_firstlineno)
    return str(getattr(code, "__qualname__", type(code).__qualname__))


def _at(code: CodeType, line: int) -> str:
    file = next((code.co_filename[len(root) + 1 :] for root in _ROOTS if code.co_filename.startswith(root)), "")
    return f"{file or Path(code.co_filename).name}:{line} {code.co_qualname}"
