"""The roles that the STS door takes, and what each of them means: everything that is granted, or some paths.

SDKs insist on a role. Here a role gives nobody anything: it is one of those that the operator lists, and it may name
the part of a caller's grants that is wanted. In the setting, entries stand apart by blanks:

    arn:aws:iam::000000000000:role/vendor                                  everything that is granted
    arn:aws:iam::000000000000:role/tenant-{tenant}-{access}                a tenant's folders; access is read or write
    arn:aws:iam::000000000000:role/raw=read:s3://lake/raw/,write:s3://lake/out/     these paths
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from vendor.errors import RoleRequired, VendError
from vendor.names import parse_s3_path, parse_tenant_name
from vendor.policy.grant import Ask, Level
from vendor.policy.layout import Layout
from vendor.policy.scope import ask_for

_ARN: Final = re.compile(r"arn:[a-z0-9-]+:iam:[a-z0-9-]*:(?:\d{12})?:role/[A-Za-z0-9_+=,.@/-]{1,256}", re.ASCII)
_TENANT, _ACCESS = "{tenant}", "{access}"
Scope = tuple[Ask, ...] | None
"""What is asked for; None for everything that is granted."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The list.  `default` is the first entry, for clients that name no role."""

    default: str
    fixed: Mapping[str, Scope]
    templates: tuple[re.Pattern[str], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the setting.  Raises ValueError, with a sentence that names the entry."""
        fixed: dict[str, Scope] = {}
        templates: list[re.Pattern[str]] = []
        for entry in text.split():
            arn, meant = _split(entry)
            if _TENANT in arn or _ACCESS in arn:
                templates.append(_template(entry, arn, meant))
            elif not _ARN.fullmatch(arn):
                raise ValueError(f"holds {entry[:80]!r}, which does not begin with the ARN of a role")
            elif arn in fixed:
                raise ValueError(f"names {arn} twice")
            else:
                fixed[arn] = _scope(entry, meant)
        if not fixed:
            raise ValueError("names no role that has no placeholder")
        return cls(next(iter(fixed)), fixed, tuple(templates))

    def scope_of(self, arn: str, layout: Layout) -> Scope:
        """Return what a role asks for.  Raises RoleRequired for one that is not in the list."""
        if arn in self.fixed:
            return self.fixed[arn]
        for template in self.templates:
            found = template.fullmatch(arn)
            if found is not None:
                return _tenant_scope(found["tenant"], Level(found["access"]), layout)
        raise _not_taken()


def _split(entry: str) -> tuple[str, str | None]:
    """Part an entry at the '=' before its paths; the name of a role may have one, too."""
    at = min((entry.find(f"={level}:") for level in Level if f"={level}:" in entry), default=-1)
    return (entry, None) if at < 0 else (entry[:at], entry[at + 1 :])


def _template(entry: str, arn: str, meant: str | None) -> re.Pattern[str]:
    plain = arn.replace(_TENANT, "t").replace(_ACCESS, "a")
    if meant or arn.count(_TENANT) != 1 or arn.count(_ACCESS) != 1 or not _ARN.fullmatch(plain):
        raise ValueError(f"holds {entry[:80]!r}; a role with placeholders has {_TENANT} and {_ACCESS}, once each")
    pattern = re.escape(arn)
    pattern = pattern.replace(re.escape(_TENANT), r"(?P<tenant>[a-z][a-z0-9]{0,63})")
    return re.compile(pattern.replace(re.escape(_ACCESS), "(?P<access>read|write)"), re.ASCII)


def _scope(entry: str, meant: str | None) -> Scope:
    if meant is None:
        return None
    asks = []
    for part in re.split(r",(?=(?:read|write):)", meant):
        level, _, path = part.partition(":")
        try:
            asks.append(Ask(parse_s3_path(path), Level(level)))
        except VendError as refusal:
            raise ValueError(f"holds {entry[:80]!r}: {refusal.message}") from None
    return tuple(asks)


def _tenant_scope(tenant: str, level: Level, layout: Layout) -> Scope:
    try:
        name = parse_tenant_name(tenant)
    except VendError:
        raise _not_taken() from None
    return tuple(ask_for(grant) for grant in layout.tenant_grants(name, level))


def _not_taken() -> RoleRequired:
    return RoleRequired("This role cannot be assumed here.", remedy="Ask the operator which roles are taken.")
