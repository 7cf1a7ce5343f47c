"""What an MMS keeps, as it was read and before anything is made of it; and what was found wanting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str]
"""One row of one of MMS's tables; an absent value is an empty text."""


class SourceError(Exception):
    """The source cannot be read at all.  The message says which part, and why."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What MMS's PostgreSQL has beside the keys, which are not wanted."""

    tenant_metadata: Sequence[Row] = ()
    tenant_stewards: Sequence[Row] = ()
    user_profiles: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The raw material.  `policies` are documents by name, `groups` members by name."""

    policies: Mapping[str, object]
    groups: Mapping[str, Sequence[str]]
    users: Sequence[str] = ()
    tables: Tables = Tables()


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that was not taken over as it was.  `subject` is a policy, a group, a user or a path."""

    kind: str
    subject: str
    text: str


@dataclass(slots=True)
class Report:
    """Everything that could not be read or means something else now.  `skipped` was lost, `noted` was not."""

    skipped: list[Finding] = field(default_factory=list)
    noted: list[Finding] = field(default_factory=list)

    def skip(self, kind: str, subject: str, text: str) -> None:
        """Say what was left out."""
        self.skipped.append(Finding(kind, _printable(subject), text))

    def note(self, kind: str, subject: str, text: str) -> None:
        """Say what was taken over but means something else now."""
        self.noted.append(Finding(kind, _printable(subject), text))


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:200]
