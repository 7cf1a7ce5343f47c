"""Rows as CSV that a spreadsheet shows and does not run: what could be a formula begins with an apostrophe."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield a heading and a line for each row."""
    yield _line(names)
    for row in rows:
        yield _line([safe(row.get(name)) for name in names])


def safe(value: object) -> str:
    """Return a value as a cell."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
