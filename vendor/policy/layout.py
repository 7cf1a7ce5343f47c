"""Where homes, tenants and system folders live: the table `policies/layout.toml`.

No path is named in the code.  A template is a literal folder and one placeholder as its last part, and no template
may lie inside another, so a path belongs to at most one user or tenant and a grant never reaches a neighbour's.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vendor.errors import InvalidName, InvalidPath
from vendor.names import Bucket, Prefix, TenantName, UserName, parse_bucket, parse_prefix
from vendor.names import parse_tenant_name as _parse_tenant
from vendor.names import parse_user_name as _parse_user
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.tables import Table

HOME = Source("home")
SYSTEM = Source("system")
_KIND = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)


def tenant_source(tenant: TenantName) -> Source:
    """Return the source of grants that come from being a member of `tenant`."""
    return Source(f"tenant:{tenant}")


@dataclass(frozen=True, slots=True)
class Template:
    """A folder per name: `lead`, the name, and a slash.  Without placeholder, `lead` is the folder itself."""

    bucket: Bucket
    lead: str
    placeholder: str | None
    root_key: bool = False
    level: Level = Level.WRITE

    @property
    def text(self) -> str:
        """The template as it is written in the file."""
        return f"{self.lead}{self.placeholder}/" if self.placeholder else self.lead

    def prefix(self, name: str) -> Prefix:
        """Return the folder of a checked name."""
        return Prefix(f"{self.lead}{name}/" if self.placeholder else self.lead)

    def name_in(self, bucket: str, prefix: str) -> str | None:
        """Return the name whose folder a path is or lies in."""
        if bucket != self.bucket or not prefix.startswith(self.lead):
            return None
        name, slash, _ = prefix[len(self.lead) :].partition("/")
        return name if slash else None

    def grant(self, name: str, level: Level, source: Source) -> Grant:
        """Return the grant of a checked name's folder."""
        return Grant(self.bucket, self.prefix(name), level, source, with_key=self.root_key)


@dataclass(frozen=True, slots=True)
class Layout:
    """The templates in force, by kind (as shipped: `general` and `sql`)."""

    bucket: Bucket
    homes: Mapping[str, Template]
    tenants: Mapping[str, Template]
    system: Mapping[str, Template]

    def home_grants(self, user: UserName) -> tuple[Grant, ...]:
        """Return what a user may do in their own homes: everything."""
        return tuple(home.grant(user, Level.WRITE, HOME) for home in self.homes.values())

    def tenant_grants(self, tenant: TenantName, level: Level) -> tuple[Grant, ...]:
        """Return what a member of a tenant may do in its folders."""
        return tuple(folder.grant(tenant, level, tenant_source(tenant)) for folder in self.tenants.values())

    def system_grants(self, user: UserName) -> tuple[Grant, ...]:
        """Return what every user gets on top, such as a folder for job logs."""
        return tuple(folder.grant(user, folder.level, SYSTEM) for folder in self.system.values())

    def home_owner(self, bucket: Bucket, prefix: Prefix) -> UserName | None:
        """Return whose home a path is, or lies in."""
        for home in self.homes.values():
            name = home.name_in(bucket, prefix)
            if name is not None:
                try:
                    return _parse_user(name)
                except InvalidName:
                    return None
        return None

    def tenant_of(self, bucket: Bucket, prefix: Prefix) -> TenantName | None:
        """Return whose tenant folder a path is, or lies in."""
        for folder in self.tenants.values():
            name = folder.name_in(bucket, prefix)
            if name is not None:
                try:
                    return _parse_tenant(name)
                except InvalidName:
                    return None
        return None

    def describe(self) -> dict[str, object]:
        """Return the layout as JSON values, for those who ask what is in force."""
        described: dict[str, object] = {"bucket": self.bucket}
        for name, templates in (("homes", self.homes), ("tenants", self.tenants), ("system", self.system)):
            described[name] = {
                kind: {"bucket": template.bucket, "path": template.text, "access": template.level.value}
                for kind, template in templates.items()
            }
        return described


def load_layout(path: Path) -> Layout:
    """Load and check the table.  Raises PolicyFileError."""
    table = Table.load(path)
    try:
        bucket = parse_bucket(table.text("bucket"))
    except InvalidPath as refusal:
        raise table.refuse(refusal.message) from None
    homes = {kind: _template(kind, inner, bucket, "{user}") for kind, inner in table.tables("homes").items()}
    tenants = {kind: _template(kind, inner, bucket, "{tenant}") for kind, inner in table.tables("tenants").items()}
    system = {kind: _system(kind, inner, bucket) for kind, inner in table.tables("system").items()}
    table.done()
    if not homes or not tenants:
        raise table.refuse("at least one home and one tenant template are needed")
    _refuse_nested(table, itertools.chain(homes.values(), tenants.values(), system.values()))
    frozen = (MappingProxyType(homes), MappingProxyType(tenants), MappingProxyType(system))
    return Layout(bucket, *frozen)


def _template(kind: str, table: Table, bucket: Bucket, placeholder: str) -> Template:
    _check_kind(kind, table)
    text = table.text("path")
    root_key = table.flag("root_key", False)
    table.done()
    ending = placeholder + "/"
    lead = text.removesuffix(ending)
    if lead == text:
        raise table.refuse(f"'path' must end in {ending}")
    return Template(bucket, _lead(table, lead), placeholder, root_key)


def _system(kind: str, table: Table, default: Bucket) -> Template:
    _check_kind(kind, table)
    try:
        bucket = parse_bucket(table.text("bucket", default))
    except InvalidPath as refusal:
        raise table.refuse(refusal.message) from None
    access = table.text("access")
    if access not in set(Level):
        raise table.refuse("'access' must be read or write")
    text = table.text("path")
    root_key = table.flag("root_key", False)
    table.done()
    lead = text.removesuffix("{user}/")
    placeholder = None if lead == text else "{user}"
    return Template(bucket, _lead(table, lead), placeholder, root_key, Level(access))


def _check_kind(kind: str, table: Table) -> None:
    if not _KIND.fullmatch(kind):
        raise table.refuse("the name of a template is lower-case letters, digits and '-'")


def _lead(table: Table, lead: str) -> str:
    try:
        parsed = parse_prefix(lead)
    except InvalidPath as refusal:
        raise table.refuse(f"'path': {refusal.message}") from None
    if parsed != lead:
        raise table.refuse("'path' must have a '/' before its placeholder and at its end")
    return lead


def _refuse_nested(table: Table, templates: Iterator[Template]) -> None:
    """Refuse templates that share or nest folders.  Case is ignored, since some stores ignore it."""
    for one, other in itertools.combinations(templates, 2):
        if one.bucket != other.bucket:
            continue
        first, second = one.lead.casefold(), other.lead.casefold()
        if first.startswith(second) or second.startswith(first):
            raise table.refuse(f"the paths {one.text} and {other.text} lie in one another")
