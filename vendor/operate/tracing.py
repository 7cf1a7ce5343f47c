"""OpenTelemetry: spans to a collector over OTLP/HTTP, if the environment asks for them with its usual `OTEL_*`.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) turns it on; `OTEL_SDK_DISABLED=true` and
`OTEL_TRACES_EXPORTER=none` turn it off.  Sampling, headers, limits and the service's name are read by the SDK.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from vendor import __version__
from vendor.errors import VendError
from vendor.spans import ATTRIBUTES, Span, Value, install

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer as OtelTracer

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
FLUSH_MS: Final = 3000
_log = structlog.get_logger(__name__)


def wanted(environment: Mapping[str, str]) -> bool:
    """Say whether the environment asks for traces."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    return not off and not none and any(environment.get(name) for name in ENDPOINTS)


@contextmanager
def tracing(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Record steps for as long as the block lasts, if that is asked for; then send what is left."""
    if not wanted(environment):
        yield
        return
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        _log.warning("no traces: only http/protobuf is spoken", protocol=protocol[:40])
        yield
        return
    try:
        provider = _provider()
    except ImportError:
        _log.warning("no traces: OpenTelemetry is not installed", remedy="pip install 'sts-vendor[otel]'")
        yield
        return
    install(_Tracer(provider.get_tracer("vendor", __version__)))
    try:
        yield
    finally:
        install(None)
        provider.force_flush(FLUSH_MS)
        provider.shutdown()


def _provider() -> "TracerProvider":
    """Make what sends spans in the background.  Raises ImportError."""
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    named = Resource.create({SERVICE_VERSION: __version__})
    if str(named.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        named = named.merge(Resource({SERVICE_NAME: "vendor"}))
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=session)))
    return provider


class _Tracer:
    """Records steps with OpenTelemetry."""

    def __init__(self, tracer: "OtelTracer") -> None:
        self._tracer = tracer

    def span(
        self, name: str, attributes: Mapping[str, Value], parent: str | None = None
    ) -> AbstractContextManager[Span]:
        """Record a step for as long as the block lasts."""
        return self._span(name, attributes, parent)

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, Value], parent: str | None) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
        kind = SpanKind.SERVER if name == "request" else SpanKind.CLIENT if name == "sts" else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name,
            context,
            kind,
            attributes,
            record_exception=False,  # its text may name a path
            set_status_on_exception=False,
        ) as one:
            try:
                yield _Recorded(one)
            except BaseException as problem:
                kind_of = problem.code if isinstance(problem, VendError) else type(problem).__name__
                one.set_attribute("error.type", kind_of)
                one.set_status(Status(StatusCode.ERROR))
                raise


class _Recorded:
    def __init__(self, span: "OtelSpan") -> None:
        self._span = span

    def say(self, attributes: Mapping[str, Value], name: str | None = None) -> None:
        """Add what became known, and give the step a better name."""
        self._span.set_attributes({key: value for key, value in attributes.items() if key in ATTRIBUTES})
        if name is not None:
            self._span.update_name(name)
