"""Measuring a deployment: new leases, then one lease's keys again and again."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from vendor.client.address import ServiceUrl
from vendor.client.answers import Vended
from vendor.client.calls import Ask, read_answer
from vendor.client.errors import BadAnswer, ClientError, Unavailable
from vendor.client.sync import Client
from vendor.operate.bench.begun import CONTEXT, Begun, leases
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Broken, Load, Outcome, json_request, request
from vendor.secret import LeaseToken, RawToken

SECONDS: Final = 120.0  # for all new leases together
_LIFETIME: Final = 900  # seconds for which the lease of the repeated asks can be renewed

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

    `enough` says whether somebody wants it to stop, and `tell` is told how far it is.  `found` are the figures.
    """

    plan: Plan
    client: Client
    enough: Callable[[], bool]
    tell: Callable[[str], None]
    begun: Begun
    found: Figures = field(default_factory=dict)

    def measure(self, generator: Generator) -> None:
        """Measure until somebody wants it to stop.  Raises ClientError; what was found before that stays."""
        plan = self.plan
        if self.enough():
            return
        self.tell("Asking for one lease.")
        token = self._first()
        self.tell(f"Asking for {leases(plan.leases)} more, {plan.connections} at a time.")
        new = self._made(generator, plan.load(self._ask(), SECONDS, most=plan.leases))
        if self.enough():
            return
        self.found["new leases"] = new.figures()
        if new.good < plan.leases:
            self.tell(f"They were {new.good} in {SECONDS:g} seconds, which is as long as they are asked for.")
        self.tell(f"Asking for the keys of one lease for {plan.seconds:g} s.")
        again = request(plan.url, "GET", "/v1/container-credentials", authorization=token.reveal())
        repeated = self._made(generator, plan.load(again, plan.seconds))
        if not self.enough():
            _require_keys(repeated, plan.url)
            self.found["repeated asks"] = repeated.figures()

    def _first(self) -> LeaseToken:
        """Begin the lease of the repeated asks, which shows whether there are any to be had."""
        wanted = Ask(renewable_for=_LIFETIME, audit_context={CONTEXT: f"{self.begun.mark}-repeated"})
        try:
            vended = self.client.lease(wanted)
        except Unavailable as problem:  # also an edge that gave up on a gateway which did not
            self.begun.lost = not isinstance(problem.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
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
                f"The gateway at {url} cannot be reached for the load ({_cause(problem)}).",
                remedy="The load goes straight to the gateway, through no proxy. 'vend doctor' looks for other causes.",
            ) from None
        try:
            self.begun.known.extend(_leases(outcome, url))
        except BadAnswer:
            self.begun.lost = True
            raise
        if outcome.refused is not None:
            status, body = outcome.refused
            limited = status == HTTPStatus.TOO_MANY_REQUESTS
            fewer = " Ask for fewer (--leases), or have the gateway's limit raised." if limited else ""
            self.tell(f"{outcome.good} were answered, then one was refused.{fewer}")
            try:
                read_answer(status, {"content-type": _kind(body)}, body, url)
            except Unavailable:  # not the gateway's own refusal: it may have made a lease
                self.begun.lost = True
                raise
        if outcome.broken and not self.enough():
            raise Unavailable(f"The gateway at {url} broke off after {outcome.good} answers: {outcome.broken}.")
        if not outcome.good and not self.enough():
            raise Unavailable(f"The gateway at {url} answered nothing.")
        return outcome


def _cause(problem: OSError | TimeoutError) -> str:
    return problem.strerror or type(problem).__name__


def _kind(body: bytes) -> str:
    """Return what a refusal seems to be; its headers were not kept."""
    start = body.lstrip()[:1]
    return "application/json" if start == b"{" else "text/html" if start == b"<" else ""


def _require_keys(outcome: Outcome, url: str) -> None:
    """Raise BadAnswer if the first answer of the repeated asks was not keys."""
    try:
        keys = json.loads(outcome.first)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict) or "AccessKeyId" not in keys:
        raise BadAnswer(f"{url} answered the asks for keys with something else.")


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
