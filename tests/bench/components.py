"""What a sampled worker was busy with: stacks of functions as py-spy writes them, put together by component.

A sample counts for the innermost function that belongs to a component.  What belongs to none (contextlib, base64,
PyJWT, the streams of asyncio) works for whoever called it.  Only the thread that serves is counted: of the others
py-spy takes some that wait for busy ones.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

EVENT_LOOP: Final = "event loop"
OTHER: Final = "other"
COMPONENTS: Final[Mapping[str, Sequence[str]]] = {
    "HTTP server": ("uvicorn/", "httptools/"),
    "HTTP framework, doors": (
        "starlette/",
        "anyio/",
        "pydantic/",
        "vendor/doors/",
        "vendor/spans.py",
        "vendor/tally.py",
        "vendor/slow_callbacks.py",
    ),
    "verification of the token": ("vendor/identity/",),
    "signature for the store": ("vendor/identity/issuer.py",),
    "rights and planning": ("vendor/policy/", "vendor/governance/", "vendor/stewardship/"),
    "leases": ("vendor/leases/",),
    "Redis client": ("redis/", "hiredis/", "vendor/redis_together.py", "vendor/redis_address.py", "vendor/database.py"),
    "call to the store": (
        "vendor/stores/",
        "aiohttp/",
        "aiohappyeyeballs/",
        "multidict/",
        "yarl/",
        "urllib/",
        "xml/",
        "defusedxml/",
    ),
    "JSON": ("json/", "vendor/strict_json.py"),
    "logging": ("logging/", "structlog/", "vendor/logs.py"),
    "audit log": ("vendor/audit/", "vendor/sealed/"),
    EVENT_LOOP: ("asyncio/", "uvloop/"),
}
"""How the files of each begin, as py-spy tells them; the longest beginning that fits decides."""
_NOBODYS: Final = ("asyncio/streams.py",)
_BEGINNINGS: Final = {
    **{beginning: name for name, beginnings in COMPONENTS.items() for beginning in beginnings},
    **dict.fromkeys(_NOBODYS),
}
_SERVES: Final = ("Server.run", "uvicorn/server.py")
_FRAME: Final = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)")
_HEAVIEST: Final = 5
_LEAST: Final = 0.05  # percent: less than this is a chance


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the worker's time, and of what a lease takes of it."""

    name: str
    percent: float
    ms: float

    def as_json(self) -> dict[str, Any]:
        """Return it for `profile.json`."""
        return {"name": self.name, "percent": round(self.percent, 2), "ms": round(self.ms, 4)}


@dataclass(frozen=True, slots=True)
class Component:
    """What a component takes, and which functions of it or under it take the most."""

    whole: Share
    heaviest: tuple[Share, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for `profile.json`."""
        return {**self.whole.as_json(), "functions": [one.as_json() for one in self.heaviest]}


def by_component(stacks: Iterable[str], ms: float) -> list[Component]:
    """Put samples together, the heaviest component first; `ms` is what all of them are for one lease."""
    found: dict[str, Counter[str]] = {}
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = [_frame(text) for text in stack.split(";")]
        if _SERVES in frames:
            function, file = frames[-1]
            found.setdefault(_component(frames), Counter())[_shown(function, file)] += int(count)
    whole = sum(functions.total() for functions in found.values())

    def share(name: str, samples: int) -> Share:
        return Share(name, 100 * samples / whole, ms * samples / whole)

    components = [
        Component(
            share(name, functions.total()),
            tuple(one for one in (share(*heavy) for heavy in functions.most_common(_HEAVIEST)) if one.percent > _LEAST),
        )
        for name, functions in found.items()
    ]
    return sorted(components, key=lambda one: -one.whole.percent)


def _frame(text: str) -> tuple[str, str]:
    found = _FRAME.fullmatch(text)
    return (found["function"], found["file"]) if found else (text, "")


def _component(frames: Sequence[tuple[str, str]]) -> str:
    return next((name for _, file in reversed(frames) if (name := _owner(file)) is not None), OTHER)


def _owner(file: str) -> str | None:
    fitting = [beginning for beginning in _BEGINNINGS if file.startswith(beginning)]
    return _BEGINNINGS[max(fitting, key=len)] if fitting else None


def _shown(function: str, file: str) -> str:
    """Name a function so that one knows it; what dataclasses write for a class has no file."""
    if function.startswith("__create_fn__"):
        return "dataclasses' __init__"
    return f"{function.replace('.<locals>', '')} ({file.rpartition('/')[2]})"
