"""`vendor bench`: how fast a deployment vends, seen from here.  It says what it does, and ends the leases it began.

What it measures has the network, the edge and everybody else's traffic in it.  Every lease is an entry in the
deployment's audit log, marked in its context; the limits on how often one identity may ask hold for this, too.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vendor.cli import failures
from vendor.client.address import parse_service_url
from vendor.client.errors import ClientError, SignInNeeded
from vendor.client.sync import Client
from vendor.client.tokens import fixed, parse_token, read_token_file
from vendor.operate.bench.begun import Begun
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.measuring import Figures, Measuring, Plan
from vendor.secret import RawToken
from vendor.signals import Asked

TOKEN: Final = "VENDOR_BENCH_TOKEN"  # noqa: S105 - the name of a variable
FINE, FAILED, UNUSABLE = 0, 1, 2
PROGRAM: Final = "vendor"


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
    """Measure.  0 when done, 1 if the gateway refused or a lease could not be ended, 2 if nothing could be tried.

    Whoever stops it with a signal gets 128 and its number, after the leases are ended.
    """
    try:
        base = parse_service_url(url, insecure_http=insecure_http)
        plan = Plan(base, _token(token_file, environment), leases, connections, seconds, ca_file)
        client = Client(base, fixed(plan.token), insecure_http=insecure_http, ca_file=ca_file)
    except ClientError as mistake:
        failures.report(mistake, program=PROGRAM)
        return UNUSABLE
    with client:
        if not yes and not _agreed(plan):
            return UNUSABLE
        return _measured(plan, client, as_json=as_json)


def _measured(plan: Plan, client: Client, *, as_json: bool) -> int:
    with Asked() as asked:
        begun, found, code = Begun(client, plan.connections, _say), None, FINE
        measuring = Measuring(plan, client, lambda: bool(asked.received), _say, begun)
        with Generator() as generator:
            asked.hold()
            try:
                found = measuring.measure(generator)
            except ClientError as problem:
                failures.report(problem, program=PROGRAM)
                code = FAILED
            finally:
                left = begun.end()
        if left:
            code = FAILED
            _say(f"{len(left)} leases could not be ended: {' '.join(left)}")
            _say("  They run out by themselves, or end with 'vend revoke'.")
        if asked.received:
            return 128 + asked.received[0]
    if found:
        _tell(found, as_json=as_json)
    return code


def _token(file: Path | None, environment: Mapping[str, str]) -> RawToken:
    """Return the token to measure with.  Raises SignInNeeded."""
    try:
        if file is not None:
            return read_token_file(file, _say)
        return parse_token(environment.get(TOKEN, ""), TOKEN)
    except SignInNeeded as lacking:
        if lacking.remedy == lacking.default_remedy:
            lacking.remedy = f"Put an identity token into {TOKEN} or a file (--token-file)."
        raise


def _agreed(plan: Plan) -> bool:
    _say(
        f"{plan.leases + 1} new leases will be asked for at {plan.url}, then the keys of one of them for "
        f"{plan.seconds:g} seconds.\nAll leases are ended afterwards; they stay in the audit log, marked vendor-bench."
    )
    if not sys.stdin.isatty():
        _say("vendor: There is no terminal to ask on.\n  Say --yes to go on.")
        return False
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _tell(found: Figures, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, figures in found.items():
        sys.stdout.write(
            f"{name:14} {figures['per_second']:8.1f} a second, median {figures['p50_ms']:.1f} ms, "
            f"99th percentile {figures['p99_ms']:.1f} ms\n"
        )
