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
from urllib.parse import urlsplit

import httpx2

from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import NUMBER, Load, Refused, json_request, request

TOKEN: Final = "VENDOR_BENCH_TOKEN"  # noqa: S105 - the name of a variable
FINE, FAILED, UNUSABLE = 0, 1, 2
SECONDS: Final = 120.0  # for all new leases together
_TIMEOUT: Final = 20.0
_CONTEXT: Final = "vendor-bench"


class _Unusable(Exception):
    """What the command was given cannot be used."""


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
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Measure.  0 when done, 1 if the gateway refused or a lease could not be ended, 2 if nothing could be tried."""
    try:
        base, token = _address(url), _token(token_file, environment)
    except _Unusable as mistake:
        sys.stderr.write(f"vendor: {mistake}\n")
        return UNUSABLE
    if not yes and not _agreed(base, leases, seconds):
        return UNUSABLE
    web = httpx2.Client(
        base_url=base,
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=_TIMEOUT,
        verify=str(ca_file) if ca_file else True,
    )
    begun: list[str] = []
    try:
        with Generator() as generator, web:
            try:
                found = _measured(generator, web, base, token, leases, connections, seconds, begun, ca_file)
            finally:
                left = [lease for lease in begun if not _ended(web, lease)]
    except (Refused, httpx2.HTTPError, OSError, TimeoutError) as problem:
        sys.stderr.write(f"vendor: {str(problem) or type(problem).__name__}\n")
        return FAILED
    _tell(found, as_json=as_json)
    for lease in left:
        sys.stderr.write(f"vendor: lease {lease} could not be ended\n")
    return FAILED if left else FINE


def _measured(
    generator: Generator,
    web: httpx2.Client,
    url: str,
    token: str,
    leases: int,
    connections: int,
    seconds: float,
    begun: list[str],
    ca_file: Path | None,
) -> dict[str, dict[str, float]]:
    ca = str(ca_file) if ca_file else None
    asked = json_request(url, "/v1/leases", {"audit_context": {_CONTEXT: NUMBER.decode()}}, token)
    load = Load(url, [asked], connections, SECONDS, most=leases, keep=True, ca_file=ca)
    new = generator.outcome(load)
    begun += [json.loads(body)["lease"]["id"] for body in new.kept]
    new.require_good(url)
    body = {"renewable_for": 900, "audit_context": {_CONTEXT: "repeated"}}
    renewable = web.post("/v1/leases", json=body).raise_for_status().json()
    begun.append(renewable["lease"]["id"])
    again = request(url, "GET", "/v1/container-credentials", authorization=renewable["lease_token"])
    repeated = generator(Load(url, [again], connections, seconds, ca_file=ca))
    return {"new leases": new.figures(), "repeated asks": repeated.figures()}


def _ended(web: httpx2.Client, lease: str) -> bool:
    try:
        return web.delete(f"/v1/leases/{lease}").status_code < 300
    except httpx2.HTTPError:
        return False


def _address(url: str) -> str:
    parts = urlsplit(url)
    plain = not (parts.username or parts.query or parts.fragment) and parts.path in {"", "/"}
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise _Unusable("URL is not the plain http(s) address of a gateway.")
    return f"{parts.scheme}://{parts.netloc}"


def _token(file: Path | None, environment: Mapping[str, str]) -> str:
    try:
        token = file.read_text(encoding="utf-8").strip() if file is not None else environment.get(TOKEN, "")
    except (OSError, UnicodeDecodeError):
        raise _Unusable("the token file cannot be read.") from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise _Unusable(f"an identity token is needed, in {TOKEN} or a file (--token-file).")
    return token


def _agreed(url: str, leases: int, seconds: float) -> bool:
    sys.stderr.write(
        f"{leases + 1} new leases will be asked for at {url}, then the keys of one of them for {seconds:g} seconds.\n"
        "All leases are ended afterwards; they stay in the audit log, marked vendor-bench.\n"
    )
    if not sys.stdin.isatty():
        sys.stderr.write("vendor: say --yes to go on.\n")
        return False
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _tell(found: Mapping[str, Mapping[str, float]], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, figures in found.items():
        sys.stdout.write(
            f"{name:14} {figures['per_second']:8.1f} a second, median {figures['p50_ms']:.1f} ms, "
            f"99th percentile {figures['p99_ms']:.1f} ms\n"
        )
