"""`vendor dev`: the whole stack in the foreground, until a signal comes or one of its parts dies."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from vendor.dev.folder import FolderUnusableError
from vendor.dev.ports import PortTakenError
from vendor.dev.process import ChildFailedError
from vendor.dev.programs import MissingProgramError
from vendor.dev.ready import write_ready_file
from vendor.dev.seed import SeedError
from vendor.dev.stack import STORES, Stack, running_stack
from vendor.dev.users import PEOPLE

_LOOK_SECONDS = 0.2
_USAGE = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FAILURES = (ChildFailedError, FolderUnusableError, MissingProgramError, PortTakenError, SeedError)


class _StopRequested(BaseException):
    """A signal arrived while the stack was coming up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(store: str, state: Path | None, ready_file: Path | None) -> int:
    """Run the stack until a signal (0), or until it cannot start or a part of it dies (1).  Usage errors are 2."""
    screen = Console(stderr=True)
    if store not in STORES:
        screen.print(f"vendor dev: there is no store '{store}'; known are {', '.join(STORES)}.", markup=False)
        return _USAGE
    if ready_file is not None:
        if not ready_file.absolute().parent.is_dir():
            screen.print(f"vendor dev: there is no folder for the ready file {ready_file}.", markup=False)
            return _USAGE
        ready_file.unlink(missing_ok=True)  # an old one would tell of servers that are gone
    started = time.monotonic()
    try:
        with _signals() as stop, running_stack(store, state=state) as stack:
            stop.late()
            if ready_file is not None:
                write_ready_file(ready_file, stack)
            _show(stack, time.monotonic() - started)
            return _watch(stack, stop.event, screen)
    except _FAILURES as failure:
        screen.print(f"vendor dev: {failure}", markup=False, highlight=False, soft_wrap=True)
        return 1
    except _StopRequested as request:
        return 128 + request.number


class _Stop:
    """What a signal does: while the stack comes up it breaks off; afterwards it sets an event; then nothing more."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._break_off = True

    def late(self) -> None:
        """From now on only set the event."""
        self._break_off = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        again = self.event.is_set()
        self.event.set()
        if self._break_off and not again:  # a second signal must not break off the clearing up
            raise _StopRequested(number)


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(stack: Stack, stop: threading.Event, screen: Console) -> int:
    """Wait for a signal or for a death."""
    while not stop.wait(_LOOK_SECONDS):
        if dead := stack.children.dead():
            screen.print(f"vendor dev: {dead.death()}", markup=False, highlight=False, soft_wrap=True)
            return 1
    return 0


def _show(stack: Stack, seconds: float) -> None:
    """Print addresses and tokens."""
    screen = Console(soft_wrap=True)
    site = stack.store.site
    screen.print(f"[bold]Vendor's development stack[/], ready in {seconds:.1f} s\n", highlight=False)
    for name, address in {
        "gateway": stack.gateway.url,
        f"store ({site.kind})": f"{site.endpoint}  bucket {site.bucket}  region {site.region}",
        "store, administrator": f"{site.admin.access_key}  {site.admin.secret_key}",
        "sign-in (OpenID)": stack.idp.issuer,
        "KBase auth": stack.kbase.url,
        "Redis": stack.valkey.url,
        "state and logs": str(stack.folder.path),
    }.items():
        screen.print(f"{name:<23}{address}", highlight=False, markup=False)  # in one piece, to be copied
    screen.print()
    for person in PEOPLE:
        who = f"{person.name}{' (administrator)' if person.admin else ''}"
        screen.print(f"[bold]{who}[/], password {stack.idp.password(person.name)}", highlight=False)
        screen.print(f"  KBase token  {stack.kbase.token(person.name)}", highlight=False)
        screen.print(f"  OIDC token   {stack.tokens[person.name]}", highlight=False, markup=False)
    screen.print(f"\nTry it:  export VENDOR_URL={stack.gateway.url}  and then  vend login")
    screen.print("Stop it: Ctrl-C", highlight=False)
    sys.stdout.flush()
