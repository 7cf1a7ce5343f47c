"""`GET /metrics` of a real gateway: it counts what happens, and is bounded whatever callers send."""

import secrets
from contextlib import nullcontext

import httpx2
import pytest
from starlette.requests import Request

from tests.support.gateways import api
from tests.support.scrape import Samples, scrape
from vendor.dev.stack import Stack
from vendor.doors.metrics_access import MetricsAccess, Readers
from vendor.errors import RoleRequired

HOME = "s3://cdm-lake/users-general-warehouse/alice/"
TOKEN = secrets.token_urlsafe(24)


@pytest.fixture(scope="module")
def before(seaweedfs_stack: Stack) -> Samples:
    """What was counted before this module."""
    return scrape(seaweedfs_stack.gateway.url)


def change(before: Samples, after: Samples, name: str, **labels: str) -> float:
    return after.of(name, **labels) - before.of(name, **labels)


def test_leases_and_calls_of_the_store_are_counted(before: Samples, seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        token = alice.lease((HOME, "read"), renewable_for=1800)["lease_token"]
        alice.lease((HOME, "read"), duration=1000)
        alice.lease((HOME, "read"), duration=1000)
        alice.refusal("POST", "/v1/leases", {"scope": [{"path": "s3://cdm-lake/nobodys/", "access": "read"}]})
        alice.refusal("POST", "/v1/leases", {"store": "no-such-store"})
    with httpx2.Client(base_url=seaweedfs_stack.gateway.url, trust_env=False, timeout=20) as web:
        assert web.post("/v1/leases/renew", headers={"authorization": f"Bearer {token}"}).status_code == 200
    after = scrape(seaweedfs_stack.gateway.url)

    def leases(outcome: str, store: str = "default") -> float:
        return change(before, after, "vendor_leases_total", door="api", outcome=outcome, store=store)

    assert leases("issued") == 2
    assert leases("reused") == 1
    assert leases("renewed") == 1
    assert leases("denied") == 1
    assert leases("denied", "other") == 1
    calls = {"store": "default", "action": "AssumeRoleWithWebIdentity", "outcome": "ok"}
    assert change(before, after, "vendor_sts_calls_total", **calls) >= 3
    assert change(before, after, "vendor_sts_seconds_count", store="default") >= 3
    assert change(before, after, "vendor_flights_total", met="reused") == 1
    assert change(before, after, "vendor_refusals_total", code="scope_not_granted") == 1
    assert change(before, after, "vendor_store_queue_asks_total", outcome="served") >= 3
    posted = {"method": "POST", "route": "/v1/leases", "status": "201"}
    assert change(before, after, "vendor_http_requests_total", **posted) == 3
    assert after.of("vendor_canary_state", store="default", state="green") == 1
    assert after.of("vendor_canary_total", outcome="sound") >= 1
    assert after.of("process_resident_memory_bytes") > 0


def test_nothing_that_a_caller_makes_up_becomes_a_label(seaweedfs_stack: Stack) -> None:
    marker = f"zz{secrets.token_hex(6)}"
    with httpx2.Client(base_url=seaweedfs_stack.gateway.url, trust_env=False, timeout=20) as web:
        web.get(f"/{marker}", headers={"x-request-id": marker})
        web.get(f"/v1/leases/{marker}", params={marker: marker})
        web.request(marker.upper(), "/v1/leases")
        web.request("PROPFIND", "/v1/leases")
        web.get(f"/tenants/{marker}")
    with api(seaweedfs_stack, "alice") as alice:
        alice.call("GET", f"/v1/tenants/{marker}")
        alice.call("POST", "/v1/leases", {"store": marker})
        alice.call("POST", "/v1/leases", {"audit_context": {marker: marker}})

    first = scrape(seaweedfs_stack.gateway.url)
    text = repr(first)
    assert marker not in text
    assert marker.upper() not in text
    assert first.of("vendor_http_requests_total", route="other", status="404") >= 1
    assert first.of("vendor_http_requests_total", route="/v1/tenants/{tenant}") >= 1
    assert first.of("vendor_http_requests_total", route="/tenants/{tenant_name}") >= 1
    assert first.of("vendor_http_requests_total", method="other") >= 1


def test_no_secret_is_in_it(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        lease = alice.lease((HOME, "read"), renewable_for=1800)
    text = httpx2.get(f"{seaweedfs_stack.gateway.url}/metrics", trust_env=False, timeout=20).text

    for secret in (
        *lease["credentials"].values(),
        lease["lease_token"],
        lease["lease"]["id"],
        *seaweedfs_stack.tokens.values(),
    ):
        assert secret not in text
    assert "alice" not in text


def test_a_proxy_on_this_machine_makes_nobody_local(seaweedfs_stack: Stack) -> None:
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        answer = httpx2.get(
            f"{seaweedfs_stack.gateway.url}/metrics", headers={header: "127.0.0.1"}, trust_env=False, timeout=20
        )
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "role_required"


def test_who_may_read_them(seaweedfs_stack: Stack) -> None:
    closed = seaweedfs_stack.add_gateway("metrics-closed", VENDOR_METRICS="nobody")
    guarded = seaweedfs_stack.add_gateway("metrics-guarded", VENDOR_METRICS_TOKEN=TOKEN)
    try:
        with httpx2.Client(trust_env=False, timeout=20) as web:
            assert web.get(f"{closed.url}/metrics").status_code == 403
            refused = web.get(f"{guarded.url}/metrics")
            wrong = web.get(f"{guarded.url}/metrics", headers={"authorization": f"Bearer {TOKEN[:-1]}"})
            proxied = {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "192.0.2.1"}
            right = web.get(f"{guarded.url}/metrics", headers=proxied)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "missing_token")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_token")
        assert right.status_code == 200
        assert scrape(guarded.url, TOKEN).of("vendor_refusals_total", code="missing_token") == 1
        assert TOKEN not in guarded.child.log.read_text("utf-8")
    finally:
        closed.child.stop()
        guarded.child.stop()


@pytest.mark.parametrize(
    ("readers", "host", "may"),
    [
        ("loopback", "127.0.0.1", True),
        ("loopback", "::1", True),
        ("loopback", "192.0.2.7", False),
        ("loopback", None, False),
        ("anybody", "192.0.2.7", True),
        ("nobody", "127.0.0.1", False),
    ],
)
def test_who_may_read_them_without_a_token_is_said_by_their_address(readers: str, host: str | None, may: bool) -> None:
    asked = Request({"type": "http", "headers": [], "client": None if host is None else (host, 4711)})
    with nullcontext() if may else pytest.raises(RoleRequired):
        MetricsAccess(Readers(readers)).require(asked)


def test_the_answer_is_what_prometheus_reads(seaweedfs_stack: Stack) -> None:
    answer = httpx2.get(f"{seaweedfs_stack.gateway.url}/metrics", trust_env=False, timeout=20)

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    names = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith(("vendor_", "process_")) for name in names), names
