"""`vendor bench`: how fast a deployment vends, seen from here.  It says what it does, and ends the leases it began.

What it measures has the network, the edge and everybody else's traffic in it.  Every lease is an entry in the
deployment's audit log, marked in its context; the limits on how often one identity may ask hold for this, too.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from vendor.cli import failures, screen
from vendor.client.address import parse_service_url
from vendor.client.errors import ClientError, SignInNeeded, UnsafeFile
from vendor.client.sync import Client
from vendor.client.text import printable
from vendor.client.tokens import fixed, parse_token, read_token_file
from vendor.operate.bench.begun import CONTEXT, Begun, leases
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.measuring import Figures, Measuring, Plan
from vendor.secret import RawToken
from vendor.signals import Asked

TOKEN: Final = "VENDOR_BENCH_TOKEN"  # noqa: S105 - the name of a variable
FINE, FAILED, UNUSABLE = 0, 1, 2
PROGRAM: Final = "vendor"
_NAMED: Final = 20  # of the leases that could not be ended


def run(
    url: str,
    *,
    token_file: Path | None,
    leases: int,
    connections: int,
    seconds: float,
    yes: bool,
    as_json: bool,
    ca_file: Path | None = None,
    insecure_http: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Measure.

    0 when done; 1 if the gateway refused or did not answer, a lease could not be ended or the figures not be written;
    2 if what was given cannot be used.  Whoever stops it with a signal gets 128 and its number, after the leases are
    ended; a second signal ends that, too.
    """
    try:
        base = parse_service_url(url, insecure_http=insecure_http)
        plan = Plan(base, _token(token_file, environment), leases, connections, seconds, ca_file)
        client = Client(base, fixed(plan.token), insecure_http=insecure_http, ca_file=ca_file)
    except ClientError as mistake:
        _complain(mistake)
        return UNUSABLE
    with client:
        if not yes:
            try:
                _agree(plan)
            except ClientError as declined:
                _complain(declined)
                return UNUSABLE
        return _measured(plan, client, as_json=as_json)


def _measured(plan: Plan, client: Client, *, as_json: bool) -> int:
    with Asked() as asked:
        asked.hold()
        code = FINE
        begun = Begun(client, plan.connections, _say, lambda: len(asked.received) > 1)
        measuring = Measuring(plan, client, lambda: bool(asked.received), _say, begun)
        with Generator() as generator:
            try:
                measuring.measure(generator)
            except ClientError as problem:
                _complain(problem)
                code = FAILED
            finally:
                left = begun.end()
        if left:
            code = FAILED
            _tell_left(left, begun.why, plan)
        if asked.received:
            return 128 + asked.received[0]
    return code if _tell(measuring.found, as_json=as_json) else FAILED


def _tell_left(left: Sequence[str], why: str, plan: Plan) -> None:
    """Say which leases could not be ended, and how to."""
    named = " ".join(printable(lease, 64) for lease in left[:_NAMED])
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    because = f" ({printable(why)})" if why else ""
    _say(f"{PROGRAM}: {leases(len(left))} could not be ended{because}: {named}{more}")
    _say(f"  They run out by themselves; or end them: vend revoke --gateway {plan.url} ID …")


def _token(file: Path | None, environment: Mapping[str, str]) -> RawToken:
    """Return the token to measure with.  Raises SignInNeeded."""
    try:
        if file is not None:
            return read_token_file(file, _say)
        return parse_token(environment.get(TOKEN, ""), TOKEN)
    except SignInNeeded as lacking:
        if not isinstance(lacking, UnsafeFile):
            lacking.remedy = f"Put nothing but an identity token into {TOKEN} or a file (--token-file)."
        raise


def _agree(plan: Plan) -> None:
    """Say what will be done, and let a person agree.  Raises BadInput or Declined."""
    _say(
        f"{plan.leases + 1} new leases will be asked for at {plan.url}, then the keys of one of them for "
        f"{plan.seconds:g} s.\nAll leases are ended afterwards; they stay in the audit log, marked {CONTEXT}."
    )
    screen.confirm("Go on?")


def _say(text: str) -> None:
    """Tell it, or not: a terminal that was closed is no reason to leave leases behind."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _complain(problem: ClientError) -> None:
    with suppress(OSError, ValueError, AttributeError):
        failures.report(problem, program=PROGRAM)


def _tell(found: Figures, *, as_json: bool) -> bool:
    """Write the figures, and say whether that could be done."""
    lines = [json.dumps(found)] if as_json else [_line(name, figures) for name, figures in found.items()]
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines if found))
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):  # None where there is no standard output at all
        _say(f"{PROGRAM}: The figures could not be written.")
        sys.stdout = None  # or Python tries again at its end
        return False
    return True


def _line(name: str, figures: Mapping[str, float]) -> str:
    return (
        f"{name:14} {figures['per_second']:8.1f} a second, median {figures['p50_ms']:.1f} ms, "
        f"99th percentile {figures['p99_ms']:.1f} ms"
    )
