"""Structured logs: one JSON object a line, or something readable on a terminal.  Never a token, never a key."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

from vendor.secret import MASK, Secret

# Whatever begins like a JWT matches to its end, with dots or without: a pattern that could fail far behind its start
# would be tried again from every later `eyJ`, and a path full of them would stop the process for seconds.
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}")
_LEASE_TOKEN: Final = re.compile(r"vlt_[A-Za-z0-9_-]{8,}")
_SECRET_NAMES: Final = frozenset({"authorization", "token", "secret", "secret_key", "session_token", "password"})

LogFormat = Literal["json", "pretty", "auto"]


def configure(log_format: LogFormat, level: str) -> None:
    """Set up structlog, and send what libraries log through `logging` the same way."""
    pretty = log_format == "pretty" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    renderers: list[structlog.typing.Processor] = (
        [visible, structlog.dev.ConsoleRenderer()] if pretty else [structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    structlog.configure(
        processors=[*shared, *renderers],
        logger_factory=lambda name: _Lines(name, handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold query strings


class _Lines:
    """Where structlog's lines end, beside those of `logging` but without its records, which cost as much again."""

    def __init__(self, name: str, handler: "logging.StreamHandler[TextIO]") -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        """Write one line.  As with `logging`, nothing fails because a line cannot be written."""
        self._handler.acquire()
        try:
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()
        except (OSError, ValueError):
            pass
        finally:
            self._handler.release()

    debug = info = warning = error = critical = exception = write


def mask(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what looks like a token or sits under a secret's name: a second fence behind the secret types."""
    for name, value in entry.items():
        if not name.startswith("_"):  # what structlog keeps for itself is in no line
            entry[name] = _masked(name, value)
    return entry


def _masked(name: str, value: Any) -> Any:
    """Return a value without secrets; what only a renderer would write as text is that text already."""
    if isinstance(value, Secret) or name.lower() in _SECRET_NAMES:
        return MASK
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {scrub(str(inner)): _masked(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", one) for one in value]
    return scrub(repr(value))


def visible(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write control characters as escapes: callers choose paths and names, and a terminal would obey them.

    JSON does so by itself.  A traceback keeps its lines.
    """
    for name, value in entry.items():
        if isinstance(value, str):
            entry[name] = _escaped(value, keep="\n\t" if name == "exception" else "")
    return entry


def _escaped(text: str, keep: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )


def scrub(text: str) -> str:
    """Return `text` without anything that has the form of a token."""
    if "eyJ" not in text and "vlt_" not in text:  # as most have neither
        return text
    return _LEASE_TOKEN.sub(MASK, _JWT.sub(MASK, text))
