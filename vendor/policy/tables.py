"""Read the TOML tables under `policies/`, strictly.

A member nobody knows, a wrong type or an empty list is refused with the file and, where the parser tells it, the
line: these files decide who may do what, so a typing error must never quietly mean something.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_LINE = re.compile(r"at line (\d+)")


class PolicyFileError(ValueError):
    """A file under `policies/` cannot be used.  The message names the file and what to correct."""

    def __init__(self, path: Path, message: str, line: int | None = None) -> None:
        super().__init__(f"{path}{'' if line is None else f', line {line}'}: {message}")
        self.path = path
        self.line = line


class Table:
    """One TOML table whose members are taken out by type; `done` refuses what was not taken."""

    def __init__(self, path: Path, name: str, members: Mapping[str, object]) -> None:
        self._path = path
        self._name = name
        self._members = dict(members)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Parse a file into its top-level table."""
        try:
            text = path.read_bytes().decode("utf-8")
        except OSError as failure:
            raise PolicyFileError(path, f"cannot be read ({failure.strerror})") from None
        except UnicodeDecodeError:
            raise PolicyFileError(path, "is not UTF-8") from None
        try:
            return cls(path, "", tomllib.loads(text))
        except tomllib.TOMLDecodeError as failure:
            line = _LINE.search(str(failure))
            raise PolicyFileError(path, f"is not TOML: {failure}", int(line[1]) if line else None) from None

    def refuse(self, message: str) -> PolicyFileError:
        """Return the error that says what is wrong in this table."""
        return PolicyFileError(self._path, f"[{self._name}] {message}" if self._name else message)

    def text(self, member: str, default: str | None = None) -> str:
        """Take a string."""
        value = self._members.pop(member, default)
        if not isinstance(value, str):
            raise self.refuse(f"'{member}' must be a string")
        return value

    def flag(self, member: str, default: bool) -> bool:
        """Take a boolean."""
        value = self._members.pop(member, default)
        if not isinstance(value, bool):
            raise self.refuse(f"'{member}' must be true or false")
        return value

    def texts(self, member: str) -> tuple[str, ...]:
        """Take a list of strings, none of them twice."""
        value = self._members.pop(member, None)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.refuse(f"'{member}' must be a list of strings")
        if len(set(value)) != len(value):
            raise self.refuse(f"'{member}' names something twice")
        return tuple(value)

    def pairs(self, member: str) -> tuple[tuple[str, str], ...]:
        """Take a table of strings; none at all is an empty one."""
        value = self._members.pop(member, {})
        if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
            raise self.refuse(f"[{self._join(member)}] must map strings to strings")
        return tuple(value.items())

    def table(self, member: str) -> "Table":
        """Take a table that must be there."""
        if member not in self._members:
            raise self.refuse(f"the table [{self._join(member)}] is missing")
        return self._as_table(member, self._members.pop(member))

    def tables(self, member: str) -> dict[str, "Table"]:
        """Take a table of tables; none at all is an empty one."""
        outer = self._as_table(member, self._members.pop(member, {}))
        return {name: outer._as_table(name, value) for name, value in outer._members.items()}

    def done(self) -> None:
        """Refuse whatever was not taken."""
        if self._members:
            raise self.refuse(f"unknown member {min(self._members)!r}")

    def _as_table(self, member: str, value: object) -> "Table":
        if not isinstance(value, dict):
            raise self.refuse(f"'{member}' must be a table")
        return Table(self._path, self._join(member), value)

    def _join(self, member: str) -> str:
        return f"{self._name}.{member}" if self._name else member
