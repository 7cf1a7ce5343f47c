"""What scenarios share: how long to measure, the process that makes the load, and stacks that start when first used."""

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.rounds import Side, Steady, alternate
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack, running_stack
from vendor.dev.store import ASSUME_ROLE
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import Load, Outcome

NEVER = "24h"
"""When JuiceFS reads its IAM again: then it reads the temporary user of every lease, and calls wait for that."""


@dataclass
class Site:
    """One run of the benchmark."""

    quick: bool
    slow_ms: int | None
    generator: Generator
    _closing: ExitStack
    _stacks: dict[str, Stack] = field(default_factory=dict)
    _gateways: dict[tuple[str, str], Gateway] = field(default_factory=dict)
    _more: list[Generator] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def rounds(self) -> int:
        """How often each side is measured."""
        return 2 if self.quick else 5

    @property
    def seconds(self) -> float:
        """How long one load lasts."""
        return 0.5 if self.quick else 1.5

    def alternate(
        self, sides: Mapping[str, Side], *steady: Steady, rounds: int = 5
    ) -> dict[str, list[Mapping[str, float]]]:
        """Measure all sides: in two rounds if quick, else in `rounds` and more, until ratios are `steady`."""
        return alternate(self.rounds, sides) if self.quick else alternate(rounds, sides, steady)

    def stack(self, store: str) -> Stack:
        """Return the stack with this store; all scenarios of the site use the same one."""
        if store not in self._stacks:
            settings = {"VENDOR_LIMIT_SHARE_BURST": "1000000"}  # so that one user can make all shares; it is asked
            if self.slow_ms is not None:
                settings["VENDOR_SLOW_CALLBACK_MS"] = str(self.slow_ms)
            self._stacks[store] = self._closing.enter_context(running_stack(store, settings=settings, refresh=NEVER))
        return self._stacks[store]

    def gateway(self, store: str, mode: str) -> Gateway:
        """Return a gateway that asks this store in this mode."""
        stack = self.stack(store)
        if mode != ASSUME_ROLE:
            return stack.gateway
        if (store, mode) not in self._gateways:
            added = stack.add_gateway("gateway-assume-role", **stack.store.site.settings(mode))
            self._gateways[store, mode] = added
        return self._gateways[store, mode]

    @property
    def gateway_logs(self) -> list[Path]:
        """The log of every gateway that was started."""
        return [log for stack in self._stacks.values() for log in stack.logs if log.name.startswith("gateway")]

    def second_gateway(self, store: str) -> Gateway:
        """Return another gateway like the stack's own, beside it."""
        if (store, "second") not in self._gateways:
            self._gateways[store, "second"] = self.stack(store).add_gateway("gateway-second")
        return self._gateways[store, "second"]

    def loads(
        self, asked: list[tuple[str, list[bytes]]], *, connections: int, most: int | None = None
    ) -> list[Outcome]:
        """Make several loads at the same time, each from a process of its own."""
        while len(self._more) < len(asked) - 1:
            self._more.append(self._closing.enter_context(Generator()))
        loads = [
            Load(url, sent, connections, self.seconds, most=most, first_number=self.first_number())
            for url, sent in asked
        ]
        with ThreadPoolExecutor(len(loads)) as pool:
            return list(pool.map(lambda generator, load: generator(load), [self.generator, *self._more], loads))

    def first_number(self) -> int:
        """Return where the numbers of a load begin, so that none comes twice in a run."""
        return next(self._numbers) * 1_000_000

    def load(
        self,
        url: str,
        requests: list[bytes],
        *,
        connections: int = 1,
        rate: float | None = None,
        seconds: float | None = None,
        most: int | None = None,
    ) -> Outcome:
        """Make a load and return what came of it.  Raises Refused."""
        lasts, first = seconds or self.seconds, self.first_number()
        return self.generator(Load(url, requests, connections, lasts, most=most, rate=rate, first_number=first))


@contextmanager
def open_site(*, quick: bool, slow_ms: int | None = None) -> Iterator[Site]:
    """Provide a site whose gateways log callbacks of more than `slow_ms`; whatever was started for it is stopped."""
    with ExitStack() as closing, Generator() as generator:
        yield Site(quick, slow_ms, generator, closing)
