"""Tell a story step by step, and stop at the first step that does not hold."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class StepFailed(Exception):
    """What a step of the story claims is not so."""


class Teller:
    """Prints one line per step: what happens, and whether it held."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """Run a step; the line appears when it is done.  Whatever it raises becomes a StepFailed with the sentence."""
        self._number += 1
        label = f"{self._number:>3}. {escape(sentence)}"
        try:
            with self._console.status(label):
                yield
        except Exception as problem:
            self._console.print(f" [red]✗[/red]{label}", soft_wrap=True)
            raise StepFailed(f"step {self._number} did not hold: {str(problem) or type(problem).__name__}") from problem
        self._console.print(f" [green]✓[/green]{label}", soft_wrap=True)

    def aside(self, line: str) -> None:
        """Show something of interest under the last step."""
        self._console.print(f"      [dim]{escape(line)}[/dim]", highlight=False, soft_wrap=True)

    def end(self) -> None:
        """Say that all held."""
        seconds = time.monotonic() - self._began
        self._console.print(f"\n[bold green]All {self._number} steps held[/bold green] ({seconds:.1f} s).")


def claim(holds: object, otherwise: str) -> None:
    """Raise StepFailed with `otherwise` unless `holds`."""
    if not holds:
        raise StepFailed(otherwise)
