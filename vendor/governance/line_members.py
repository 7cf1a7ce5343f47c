"""The members of one line of a state's file, each taken once by its name and type."""

import math
import re
from typing import Any, Final

from vendor.governance.records import Target, TargetKind
from vendor.governance.texts import FORMS
from vendor.names import parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Level
from vendor.times import parse_rfc3339, rfc3339

_YEAR_10000: Final = 253_402_300_800
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,2048}")


class BadLine(ValueError):
    """A line is not of this format.  The message names the member and quotes nothing."""


class Members:
    """The members of one object, each taken once; what is left at the end is unknown."""

    def __init__(self, members: dict[str, object]) -> None:
        self._left = members

    def text(self, name: str, pattern: re.Pattern[str] = _LINE) -> str:
        """Take a text of a form.  Raises BadLine, as all of these do."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadLine(f"{name}: missing, or not of the form it has")
        return value

    def maybe(self, name: str, pattern: re.Pattern[str] = _LINE) -> str | None:
        """Take a text that may be null or missing."""
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return None
        return self.text(name, pattern)

    def said(self, name: str) -> str | None:
        """Take one of the texts that people say of themselves and of tenants."""
        return self.maybe(name, FORMS[name])

    def flag(self, name: str) -> bool:
        """Take a truth."""
        value = self._left.pop(name, None)
        if not isinstance(value, bool):
            raise BadLine(f"{name}: neither true nor false")
        return value

    def number(self, name: str) -> int:
        """Take a whole number."""
        value = self._left.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadLine(f"{name}: not a whole number")
        return value

    def time(self, name: str) -> str:
        """Take a time, and return it in the one form of this gateway."""
        return rfc3339(self.moment(name))

    def moment(self, name: str) -> float:
        """Take a time, in whole seconds since the epoch."""
        try:
            moment = parse_rfc3339(self.text(name))
        except (ValueError, OverflowError):
            moment = -1.0
        if not 0 <= moment < _YEAR_10000:
            raise BadLine(f"{name}: not an RFC 3339 time with an offset, of 1970 to 9999")
        return float(math.floor(moment))

    def maybe_moment(self, name: str) -> float | None:
        """Take a time that may be null or missing."""
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return None
        return self.moment(name)

    def choice(self, name: str, choices: type[Access] | type[Level]) -> Any:
        """Take one of the words of an enumeration."""
        try:
            return choices(self.text(name))
        except ValueError:
            raise BadLine(f"{name}: not one of {', '.join(choices)}") from None

    def party(self, name: str) -> Target:
        """Take `user:<name>`, `tenant:<name>` or `everyone`."""
        kind, _, who = self.text(name).partition(":")
        if kind == "user":
            return Target(TargetKind.USER, parse_user_name(who))
        if kind == "tenant":
            return Target(TargetKind.TENANT, parse_tenant_name(who))
        if kind == "everyone" and not who:
            return Target(TargetKind.EVERYONE)
        raise BadLine(f"{name}: neither user:<name>, tenant:<name> nor everyone")

    def done(self) -> None:
        """Raise BadLine if a member is left that nobody asked for."""
        if self._left:
            raise BadLine("a member is not known")
