"""Spans around the steps of a request, for whoever traces; nothing at all while nobody does.

Nothing here knows OpenTelemetry: `operate.tracing` installs what records.  A span says how long a step took and what
came of it, and only what `ATTRIBUTES` names: never a token, a path of objects, a query or the text of an error.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from inspect import iscoroutinefunction
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

ATTRIBUTES: Final = frozenset(
    {
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "vendor.action",
        "vendor.refusal",
        "vendor.request_id",
        "vendor.store",
    }
)
Value = str | int
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Span(Protocol):
    """One step that is being recorded."""

    def say(self, attributes: Mapping[str, Value], name: str | None = None) -> None:
        """Add what became known, and give the step a better name."""


class Tracer(Protocol):
    """What records steps."""

    def span(
        self, name: str, attributes: Mapping[str, Value], parent: str | None = None
    ) -> AbstractContextManager[Span]:
        """Record a step for as long as the block lasts; `parent` is a `traceparent` that came with a request."""


class _Nothing:
    def say(self, attributes: Mapping[str, Value], name: str | None = None) -> None:
        """Say it to nobody."""


_NOTHING: Final = nullcontext(_Nothing())
_tracers: list[Tracer] = []


def install(tracer: Tracer | None) -> None:
    """Have every step recorded from now on, or none."""
    _tracers[:] = [] if tracer is None else [tracer]


def span(name: str, attributes: Mapping[str, Value] | None = None) -> AbstractContextManager[Span]:
    """Return a block that is recorded as a step, where somebody records."""
    if not _tracers:
        return cast("AbstractContextManager[Span]", _NOTHING)
    return _tracers[0].span(name, _allowed(attributes or {}))


def request_span(request_id: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Span]:
    """Return the block of a whole request, as part of its caller's trace if the one `traceparent` in it says so."""
    if not _tracers:
        return cast("AbstractContextManager[Span]", _NOTHING)
    sent = [value for name, value in headers if name == b"traceparent"]
    parent = sent[0].decode("latin-1") if len(sent) == 1 else None
    return _tracers[0].span("request", {"vendor.request_id": request_id}, parent)


def traced(name: str) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Record every call of a function, or of a coroutine function, as a step."""

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        async def awaited(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:
            with span(name):
                return await cast("Any", function(*args, **kwargs))

        is_async = iscoroutinefunction(function)

        @functools.wraps(function)
        def called(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            if not _tracers:
                return function(*args, **kwargs)
            if is_async:
                return cast("_Result", awaited(*args, **kwargs))
            with span(name):
                return function(*args, **kwargs)

        return called

    return decorate


def _allowed(attributes: Mapping[str, Value]) -> Mapping[str, Value]:
    if unknown := attributes.keys() - ATTRIBUTES:
        raise ValueError(f"spans do not say {', '.join(sorted(unknown))}")
    return attributes
