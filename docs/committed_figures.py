"""Parts of docs/performance.md that are made of committed figures; used by the scripts `update_….py` beside it."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("performance.md")
BENCH = PAGE.parents[1] / "tests" / "bench"


@dataclass(frozen=True)
class Part:
    """What stands between two marks of the page, and the committed file that it is made of."""

    mark: str
    committed: Path
    render: Callable[[dict[str, Any]], str]

    def updated(self, page: str, content: dict[str, Any]) -> str:
        """Return the page with this part made anew.  Raises ValueError for a page that has lost a mark."""
        begin, end = f"<!-- {self.mark}: begin -->", f"<!-- {self.mark}: end -->"
        before, opened, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"a mark around its part {self.mark!r} is missing")
        return f"{before}{begin}\n{self.render(content)}\n{end}{after}"

    def main(self, arguments: Sequence[str]) -> int:
        """Update the page, with the file of a run first put in the committed one's place if it is named.

        Nothing is written, and the status is 2, where that file or the page is not as it should be.
        """
        if len(arguments) > 1:
            return _refused("at most one FILE can be named")
        file = Path(arguments[0]) if arguments else self.committed
        try:
            run = file.read_bytes()
            content = json.loads(run)
            self.render(content)
        except OSError as failure:
            return _refused(f"{file} cannot be read ({failure.strerror})")
        except (ValueError, LookupError, TypeError, AttributeError):
            return _refused(f"{file} is not what a run writes")
        try:
            page = self.updated(PAGE.read_text("utf-8"), content)
        except (OSError, ValueError) as problem:
            return _refused(f"{PAGE.name}: {problem}")
        self.committed.write_bytes(run)
        PAGE.write_text(page, "utf-8")
        return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"{why}.\n")
    return 2
