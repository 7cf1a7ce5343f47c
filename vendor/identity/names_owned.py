"""Who may use which principal names, so that two identities never become one by accident.

Names from claims live in their entry's name space, its prefix.  A fixed name of a rule belongs to that rule, and to the
entry it joins, if it does.  Both hold whatever order the entries stand in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from vendor.identity.trust_shape import Issuer, Source


def roots_of(sources: Iterable[Source]) -> Mapping[str, str]:
    """Return, for every entry, the entry whose name space it lives in: its own or that of the one it joins."""
    return {source.name: source.joins or source.name for source in sources}


@dataclass(frozen=True, slots=True)
class NameSpaces:
    """The prefixes of all entries, and for every fixed name the name spaces whose claims may spell it, too."""

    prefixes: frozenset[str] = frozenset()
    fixed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Self:
        """Collect what `sources` own.  Entries and rules in audit mode admit nobody and own nothing."""
        roots = roots_of(sources)
        enforced = [source for source in sources if source.mode == "enforce"]
        fixed: dict[str, frozenset[str]] = {}
        for source in enforced:
            for rule in source.rules if isinstance(source, Issuer) else ():
                if rule.as_ is not None and rule.mode == "enforce":
                    joined = frozenset({roots[rule.joins]} if rule.joins else ())
                    fixed[rule.as_] = fixed.get(rule.as_, frozenset()) | joined
        return cls(frozenset(source.prefix for source in enforced if source.prefix), fixed, roots)

    def problem(self, name: str, source: Source) -> str | None:
        """Return why a name that `source` derived from a claim is not its to use; None if it is."""
        owned = self.fixed.get(name)
        if owned is not None and self.roots.get(source.name) not in owned:
            return "is the fixed name of another principal"
        if any(prefix != source.prefix and name.startswith(prefix) for prefix in self.prefixes):
            return "lies in the name space of another identity provider"
        return None
