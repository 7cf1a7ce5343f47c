"""Traces of a real gateway, received over real HTTP by a collector of the test's own."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.gateways import Api
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack
from vendor.operate.tracing import tracing, wanted
from vendor.spans import ATTRIBUTES, install, span, traced

HOME = "s3://cdm-lake/users-general-warehouse/alice/"


@dataclass
class Collector:
    """What was received: raw bodies, and the headers that came with them."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    redirect: str | None = None

    def spans(self) -> list[Span]:
        """All spans that arrived, in the order they came."""
        found: list[Span] = []
        for body in list(self.bodies):
            request = ExportTraceServiceRequest.FromString(body)
            found += (one for part in request.resource_spans for scope in part.scope_spans for one in scope.spans)
        return found

    def services(self) -> set[str]:
        """The names under which they were sent."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        attributes = [
            one for request in requests for part in request.resource_spans for one in part.resource.attributes
        ]
        return {one.value.string_value for one in attributes if one.key == "service.name"}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector for as long as the block lasts."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.paths.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            if made.redirect is not None:
                self.send_response(307)
                self.send_header("location", made.redirect)
            else:
                made.bodies.append(body)
                self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def traced_gateway(stack: Stack, collector: Collector, **more: str) -> Iterator[Gateway]:
    name = f"traced-{secrets.token_hex(3)}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100", **more}
    gateway = stack.add_gateway(name, **settings)
    try:
        yield gateway
    finally:
        gateway.child.stop()


@pytest.fixture(scope="module")
def seen(seaweedfs_stack: Stack) -> Iterator[tuple[list[Span], bytes, dict[str, str], Collector]]:
    """The spans of a lease, of a refusal and of a request with a secret in its query; and what must not be there."""
    trace = secrets.token_hex(16)
    told = {"token": seaweedfs_stack.tokens["alice"], "trace": trace, "marker": f"zz{secrets.token_hex(8)}"}
    with collecting() as collector, traced_gateway(seaweedfs_stack, collector) as gateway:
        with Api(gateway.url, told["token"]) as alice:
            parent = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", "x-request-id": "a-lease-of-alice"}
            body = {"scope": [{"path": HOME, "access": "read"}], "audit_context": {"nonce": told["marker"]}}
            lease = alice.call("POST", "/v1/leases", body, headers=parent).json()
            told |= {
                "secret": lease["credentials"]["secret_access_key"],
                "session": lease["credentials"]["session_token"],
            }
            alice.refusal(
                "POST", "/v1/leases", {"scope": [{"path": f"s3://cdm-lake/{told['marker']}/", "access": "read"}]}
            )
            alice.call("GET", f"/v1/tenants/{told['marker']}")
        httpx2.get(f"{gateway.url}/{told['marker']}?token={told['marker']}", trust_env=False, timeout=20)
        eventually(lambda: "GET other" in {one.name for one in collector.spans()})
        yield collector.spans(), b"".join(collector.bodies), told, collector


def of_trace(spans: list[Span], trace: str) -> dict[str, Span]:
    return {one.name: one for one in spans if one.trace_id.hex() == trace}


def attributes(one: Span) -> dict[str, object]:
    return {
        pair.key: pair.value.string_value if pair.value.HasField("string_value") else pair.value.int_value
        for pair in one.attributes
    }


def test_a_lease_is_one_trace_of_its_steps_and_part_of_its_callers(
    seen: tuple[list[Span], bytes, dict[str, str], Collector],
) -> None:
    spans, _, told, collector = seen
    found = of_trace(spans, told["trace"])

    assert {"authenticate", "grants", "plan", "sts", "record", "POST /v1/leases"} <= set(found)
    request = found["POST /v1/leases"]
    assert request.kind == Span.SPAN_KIND_SERVER
    assert request.parent_span_id
    assert attributes(request) == {
        "vendor.request_id": "a-lease-of-alice",
        "http.request.method": "POST",
        "http.route": "/v1/leases",
        "http.response.status_code": 201,
    }
    assert attributes(found["sts"]) == {"vendor.store": "default", "vendor.action": "AssumeRoleWithWebIdentity"}
    assert all(one.end_time_unix_nano >= one.start_time_unix_nano for one in found.values())
    within = [one for name, one in found.items() if name != request.name]
    assert all(request.start_time_unix_nano <= one.start_time_unix_nano for one in within)
    assert collector.services() == {"vendor"}
    assert set(collector.paths) == {"/v1/traces"}


def test_a_refusal_says_its_code_and_not_its_words(seen: tuple[list[Span], bytes, dict[str, str], Collector]) -> None:
    spans, _, _, _ = seen
    refused = [one for one in spans if attributes(one).get("vendor.refusal") == "scope_not_granted"]

    assert [one.name for one in refused] == ["POST /v1/leases"]
    failed = [one for one in spans if one.name == "plan" and attributes(one).get("error.type")]
    assert [attributes(one)["error.type"] for one in failed] == ["scope_not_granted"]
    assert not any(one.events or one.status.message for one in spans)


def test_no_token_no_path_and_no_query_is_in_a_trace(seen: tuple[list[Span], bytes, dict[str, str], Collector]) -> None:
    spans, everything, told, _ = seen

    for name in ("token", "secret", "session", "marker"):
        assert told[name].encode() not in everything, name
    assert b"users-general-warehouse" not in everything
    assert b"alice/" not in everything
    assert {key for one in spans for key in attributes(one)} <= ATTRIBUTES
    assert "GET other" in {one.name for one in spans}
    assert "GET /v1/tenants/{tenant}" in {one.name for one in spans}


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param(ENDPOINT, True, id="endpoint"),
        pytest.param({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True, id="traces"),
        pytest.param(ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, True, id="exporter"),
        pytest.param(ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False, id="no-exporter"),
        pytest.param(ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False, id="disabled"),
    ],
)
def test_when_traces_are_wanted(environment: dict[str, str], on: bool) -> None:
    assert wanted(environment) is on


@pytest.mark.parametrize("environment", [{}, ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}])
def test_nothing_is_installed_where_nothing_can_be_sent(environment: dict[str, str]) -> None:
    with tracing(environment):
        assert span("x") is span("y"), "the one block that does nothing"


def test_a_collector_that_redirects_is_not_followed(seaweedfs_stack: Stack) -> None:
    with collecting() as elsewhere, collecting() as collector:
        collector.redirect = f"{elsewhere.url}/v1/traces"
        with traced_gateway(seaweedfs_stack, collector, OTEL_EXPORTER_OTLP_TIMEOUT="1") as gateway:
            httpx2.get(f"{gateway.url}/livez", trust_env=False, timeout=20)
            eventually(lambda: collector.paths)
            assert httpx2.get(f"{gateway.url}/livez", trust_env=False, timeout=20).status_code == 200
        assert elsewhere.paths == []


async def test_without_a_tracer_a_step_is_the_function_itself() -> None:
    calls: list[int] = []

    @traced("x")
    async def step(number: int) -> int:
        calls.append(number)
        return number

    install(None)
    assert await step(3) == 3
    with span("y") as one:
        one.say({"anything": "goes nowhere"})
    assert calls == [3]


def test_what_a_span_may_not_say_is_refused() -> None:
    class Any:
        def span(self, name: str, said: object, parent: str | None = None) -> object:
            raise AssertionError("not reached")

    install(Any())  # type: ignore[arg-type]  # never asked
    try:
        with pytest.raises(ValueError, match="path"):
            span("x", {"path": "s3://b/x"})
    finally:
        install(None)
