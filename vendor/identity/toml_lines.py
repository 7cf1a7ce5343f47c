"""Where each key and value of a TOML text stands, so that a complaint can name its line.

`tomllib` reads the values but forgets where they were.  This reads only the shape, of text that `tomllib` has already
accepted, and is therefore allowed to trust it.
"""

import re
import tomllib
from collections.abc import Mapping

Place = tuple[str | int, ...]
"""Names and list positions from the top of the document down to a value."""

_KEY_PART = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_TEXT_STARTS = ('"""', "'''", '"', "'")


def lines_of(text: str) -> Mapping[Place, int]:
    """Return the line, counted from 1, on which every table, key and list entry of `text` starts."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of `place`, or of the nearest thing around it that is in the text."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


class _Scanner:
    """A reader with one finger on the text; every method leaves it behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[Place, int] = {}
        self._sizes: dict[Place, int] = {}  # entries seen so far of every array of tables
        self._counted = (0, 1)

    def document(self) -> None:
        table: Place = ()
        while self._skip_blank():
            if self._next("[["):
                table = self._header("]]", new_entry=True)
            elif self._next("["):
                table = self._header("]", new_entry=False)
            else:
                self._pair(table)

    def _header(self, end: str, *, new_entry: bool) -> Place:
        line = self._line()
        names = self._names()
        self._skip_blank()
        self.at += len(end)
        place = self._through_arrays(names[:-1], line)
        last = (*place, names[-1])
        if new_entry:
            self._sizes[last] = self._sizes.get(last, 0) + 1
            self.lines.setdefault(last, line)
            last = (*last, self._sizes[last] - 1)
        self.lines.setdefault(last, line)
        return last

    def _through_arrays(self, names: list[str], line: int) -> Place:
        """Return the place of `names`, each array of tables standing for its newest entry."""
        place: Place = ()
        for name in names:
            place = (*place, name)
            self.lines.setdefault(place, line)
            if place in self._sizes:
                place = (*place, self._sizes[place] - 1)
        return place

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = table
        for name in self._names():
            place = (*place, name)
            self.lines.setdefault(place, line)
        self._skip_blank()
        self.at += 1  # the equals sign
        self._skip_blank()
        self._value(place)

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip_blank()
            part = _KEY_PART.match(self.text, self.at)
            assert part is not None  # noqa: S101  tomllib has read this text before
            self.at = part.end()
            names.append(_plain(part.group()))
            self._skip_blank()
            if not self._next("."):
                return names

    def _value(self, place: Place) -> None:
        if self._next("["):
            self._list(place)
        elif self._next("{"):
            self._inline_table(place)
        elif not self._string():
            while self.at < len(self.text) and self.text[self.at] not in ",]}\n#":
                self.at += 1

    def _list(self, place: Place) -> None:
        position = 0
        while self._skip_blank() and not self._next("]"):
            if self._next(","):
                position += 1
                continue
            self.lines[(*place, position)] = self._line()
            self._value((*place, position))

    def _inline_table(self, place: Place) -> None:
        while self._skip_blank() and not self._next("}"):
            if not self._next(","):
                self._pair(place)

    def _string(self) -> bool:
        for quote in _TEXT_STARTS:
            if self.text.startswith(quote, self.at):
                self.at += len(quote)
                while not self.text.startswith(quote, self.at):
                    self.at += 2 if quote[0] == '"' and self.text[self.at] == "\\" else 1
                self.at += len(quote)
                while len(quote) == 3 and self.text.startswith(quote[0], self.at):
                    self.at += 1  # a multi-line text may end in one or two quotes of its own
                return True
        return False

    def _skip_blank(self) -> bool:
        """Go to the next thing that is neither blank nor comment; say whether there is one."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at].isspace():
                self.at += 1
            else:
                return True
        return False

    def _next(self, mark: str) -> bool:
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _line(self) -> int:
        since, line = self._counted
        line += self.text.count("\n", since, self.at)
        self._counted = (self.at, line)
        return line


def _plain(part: str) -> str:
    """Return a key's name without its quotes and escapes."""
    if part[0] not in "\"'":
        return part
    return next(iter(tomllib.loads(f"{part} = 1")))
