"""Measuring a deployment: new leases, then one lease's keys again and again."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from vendor.client.address import ServiceUrl
from vendor.client.answers import Vended
from vendor.client.calls import Ask, read_answer
from vendor.client.errors import BadAnswer, ClientError, Unavailable
from vendor.client.sync import Client
from vendor.operate.bench.begun import CONTEXT, Begun
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Broken, Load, Outcome, json_request, request
from vendor.secret import LeaseToken, RawToken

SECONDS: Final = 120.0  # for all new leases together
_LIFETIME: Final = 900  # seconds for which the lease of the repeated asks can be renewed
TOO_MANY: Final = 429

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and as whom."""

    url: ServiceUrl
    token: RawToken
    leases: int
    connections: int
    seconds: float
    ca_file: Path | None = None

    def load(self, asked: bytes, seconds: float, *, most: int | None = None) -> Load:
        """Return the load of one request, again and again."""
        return Load(
            self.url,
            [asked],
            self.connections,
            seconds,
            most=most,
            keep=most is not None,
            ca_file=None if self.ca_file is None else str(self.ca_file),
            ends_when_refused=True,
        )


@dataclass
class Measuring:
    """One measurement.  All its leases go into `begun`, and are for the caller to end, whatever happens.

    `enough` says whether somebody wants it to stop, and `tell` is told how far it is.
    """

    plan: Plan
    client: Client
    enough: Callable[[], bool]
    tell: Callable[[str], None]
    begun: Begun

    def measure(self, generator: Generator) -> Figures:
        """Measure, and return the figures of what was not stopped.  Raises ClientError."""
        plan = self.plan
        token = self._first()
        self.tell(f"Asking for {plan.leases} new leases, {plan.connections} at a time.")
        new = self._made(generator, plan.load(self._ask(), SECONDS, most=plan.leases))
        if self.enough():
            return {}
        if new.good < plan.leases:
            self.tell(f"They were {new.good} in {SECONDS:g} seconds; that has to do.")
        self.tell(f"Asking for the keys of one lease for {plan.seconds:g} seconds.")
        again = request(plan.url, "GET", "/v1/container-credentials", authorization=token.reveal())
        repeated = self._made(generator, plan.load(again, plan.seconds))
        return {} if self.enough() else {"new leases": new.figures(), "repeated asks": repeated.figures()}

    def _first(self) -> LeaseToken:
        """Begin the lease of the repeated asks, which shows whether there are any to be had."""
        wanted = Ask(renewable_for=_LIFETIME, audit_context={CONTEXT: f"{self.begun.mark}-repeated"})
        try:
            vended = self.client.lease(wanted)
        except Unavailable as problem:
            self.begun.lost = isinstance(problem.__cause__, httpx2.ReadTimeout | httpx2.ReadError)
            raise
        self.begun.known.append(vended.lease.id)
        if vended.lease_token is None:
            raise BadAnswer(f"{self.plan.url} gave a lease that cannot be renewed.")
        return vended.lease_token

    def _ask(self) -> bytes:
        asked = {"audit_context": {CONTEXT: f"{self.begun.mark}-{NUMBER.decode()}"}}
        return json_request(self.plan.url, "/v1/leases", asked, self.plan.token.reveal())

    def _made(self, generator: Generator, load: Load) -> Outcome:
        """Make one load and take down what it began, before anything else is made of it."""
        url = self.plan.url
        try:
            outcome = generator.outcome(load, enough=self.enough)
        except Broken as broken:
            self.begun.lost, outcome = True, broken.outcome
        except BrokenProcessPool:
            self.begun.lost = True
            raise Unavailable("The process that made the load was ended.", remedy="Run it again.") from None
        except (OSError, TimeoutError) as problem:
            raise Unavailable(
                f"The gateway at {url} cannot be reached for the load ({type(problem).__name__}).",
                remedy="The load goes straight to the gateway, through no proxy. 'vend doctor' looks for other causes.",
            ) from None
        self.begun.known.extend(_leases(outcome, url))
        if outcome.refused is not None:
            status, body = outcome.refused
            fewer = " Ask for fewer (--leases), or have the gateway's limit raised." if status == TOO_MANY else ""
            self.tell(f"{outcome.good} were answered, then one was refused.{fewer}")
            read_answer(status, {"content-type": "application/json"}, body, url)
        if outcome.broken:
            raise Unavailable(f"The gateway at {url} broke off after {outcome.good} answers: {outcome.broken}.")
        if not outcome.good and not self.enough():
            raise Unavailable(f"The gateway at {url} answered nothing.")
        return outcome


def _leases(outcome: Outcome, url: str) -> Iterator[str]:
    """Return the ids of all leases among the answers.  Raises BadAnswer for what is none, at last."""
    strange = 0
    for body in outcome.kept:
        try:
            yield Vended.read(json.loads(body)).lease.id
        except (ValueError, RecursionError, ClientError):
            strange += 1
    if strange:
        raise BadAnswer(f"{strange} answers of {url} were no leases.")
