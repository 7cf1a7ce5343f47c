"""Answers of a development gateway to the examples of the document, for people to see what comes back.

`assets/answers.json` is written by `python -m tests.openapi.answers`; a test sends every example to a running gateway
and holds what comes, and what is written here, against the document.  Nothing in it was ever a key: secrets are
blanked before they are written.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "assets" / "answers.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an operation's example: its status, and its body as JSON, or as text."""

    status: int
    body: Any


def answer_of(operation: str) -> Answer | None:
    """Return the answer to the example of an operation; None where there is no body to show."""
    return _answers().get(operation)


@cache
def _answers() -> dict[str, Answer]:
    written: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    return {name: Answer(one["status"], one["body"]) for name, one in written.items()}
