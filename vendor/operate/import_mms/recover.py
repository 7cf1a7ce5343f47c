"""From what an MMS keeps to our state: users, tenants with both their halves, stewards, and shares.

Nothing is guessed.  A name or a path that our rules refuse, a share whose owner or target is not there, a policy that
MMS never wrote: each is left out and reported.  Where the new state means something else than the old, it is taken
over and reported, too.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from vendor.errors import VendError
from vendor.governance.records import Target, TargetKind
from vendor.names import S3Path, TenantName, UserName, parse_s3_path, parse_tenant_name, parse_user_name
from vendor.operate.import_mms.documents import Merged, allowed, merged_shares
from vendor.operate.import_mms.recovered import FoundShare, FoundTenant, FoundUser, Recovered
from vendor.operate.import_mms.source import Report, Source
from vendor.policy.grant import Access, Level
from vendor.policy.layout import Layout
from vendor.times import rfc3339

HOME_POLICY: Final = "user-home-policy-"
SYSTEM_POLICY: Final = "user-system-policy-"
GROUP_POLICY: Final = "group-policy-"
TWIN: Final = "ro"
_LINK: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")
_SHADOW: Final = "-shadow-"
_STORES_OWN: Final = frozenset({"consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"})
_Name = TypeVar("_Name")


def recover(source: Source, layout: Layout) -> tuple[Recovered, Report]:
    """Return the state that `source` stands for, and the report of what could not be carried over."""
    work = _Recovery(source, layout)
    work.users()
    work.tenants()
    work.metadata()
    work.stewards()
    work.shares()
    work.leftovers()
    return work.state, work.report


class _Recovery:
    def __init__(self, source: Source, layout: Layout) -> None:
        self.source = source
        self.layout = layout
        self.state = Recovered()
        self.report = Report()

    def users(self) -> None:
        """Everybody with a home policy is a user; the service's other accounts are not."""
        profiles = {row.get("username", ""): row for row in self.source.tables.user_profiles}
        homes = [name.removeprefix(HOME_POLICY) for name in self.source.policies if name.startswith(HOME_POLICY)]
        for name in homes:
            if _SHADOW in name:
                continue  # reported with the leftovers
            user = self._name(name, parse_user_name, "user")
            if user is not None:
                row = profiles.get(name, {})
                self.state.users[user] = FoundUser(
                    _line(row.get("display_name")), _line(row.get("email")), _time(row.get("captured_at"))
                )
        for name in sorted(set(self.source.users) - set(homes)):
            self.report.skip("user", name, "has no home policy, so it is no user of MMS")

    def tenants(self) -> None:
        """A group and its read-only twin are one tenant; who is in both reads and writes."""
        for name in sorted(self.source.groups):
            base = name.removesuffix(TWIN)
            if base != name and base in self.source.groups:
                continue
            tenant = self._name(name, parse_tenant_name, "group")
            if tenant is None:
                continue
            found = self.state.tenants[tenant] = FoundTenant()
            self._members(found, name + TWIN, Access.READ_ONLY)
            self._members(found, name, Access.READ_WRITE)

    def metadata(self) -> None:
        """Put what is said about tenants to them."""
        for row in self.source.tables.tenant_metadata:
            name = row.get("tenant_name", "")
            found = self.state.tenants.get(TenantName(name))
            if found is None:
                self.report.skip("tenant", name, "has metadata, but there is no such group")
                continue
            times = {column: _time(row.get(column)) for column in ("created_at", "updated_at")}
            found.metadata = {column: clean(row.get(column)) for column, clean in _METADATA.items()} | times
            lost = [column for column in _METADATA if row.get(column) and row[column] != found.metadata[column]]
            if lost:
                self.report.note("tenant", name, f"was changed where it does not fit: {', '.join(lost)}")

    def stewards(self) -> None:
        """Put stewards to their tenants."""
        for row in self.source.tables.tenant_stewards:
            name, user = row.get("tenant_name", ""), row.get("username", "")
            found = self.state.tenants.get(TenantName(name))
            if found is None or UserName(user) not in self.state.users:
                self.report.skip("steward", f"{user} of {name}", "the user or the tenant is not there")
                continue
            found.stewards[UserName(user)] = (_line(row.get("assigned_by")), _time(row.get("assigned_at")))

    def shares(self) -> None:
        """Read the shares out of the policies of everybody they could be with."""
        for user in self.state.users:
            self._shares_in(HOME_POLICY + user, Target(TargetKind.USER, user), most=Level.WRITE)
        for tenant, found in self.state.tenants.items():
            target = Target(TargetKind.TENANT, tenant)
            self._shares_in(GROUP_POLICY + tenant, target, most=Level.WRITE)
            if tenant + TWIN in self.source.groups:
                self._shares_in(GROUP_POLICY + tenant + TWIN, target, most=Level.READ)
            self._note_widened(target, found)

    def leftovers(self) -> None:
        """Report policies that belong to nothing."""
        for name in sorted(self.source.policies):
            if _SHADOW in name:
                self.report.skip("policy", name, "was left behind by a policy update of MMS that failed")
            elif not self._is_known(name):
                self.report.skip("policy", name, "is not of a user or a group that was taken over")

    def _is_known(self, name: str) -> bool:
        for lead in (HOME_POLICY, SYSTEM_POLICY):
            if name.startswith(lead):
                return UserName(name.removeprefix(lead)) in self.state.users
        group = name.removeprefix(GROUP_POLICY)
        if group != name:
            return any(TenantName(one) in self.state.tenants for one in (group, group.removesuffix(TWIN)))
        return name in _STORES_OWN

    def _members(self, found: FoundTenant, group: str, access: Access) -> None:
        for name in self.source.groups.get(group, ()):
            if UserName(name) in self.state.users:
                found.members[UserName(name)] = access
            else:
                self.report.skip("member", f"{name} of {group}", "is no user that was taken over")

    def _shares_in(self, policy: str, target: Target, *, most: Level) -> None:
        document = self.source.policies.get(policy)
        if document is None:
            self.report.skip("policy", policy, "is missing, and with it whatever was shared with its holder")
            return
        found = allowed(document)
        for problem in found.odd:
            self.report.skip("policy", policy, problem)
        shares, odd = merged_shares(found, lambda path: self._is_own(path, target))
        for path, why in odd:
            self.report.skip("share", f"{path} with {target}", why)
        for share in shares:
            self._share(share, target, most)

    def _share(self, share: Merged, target: Target, most: Level) -> None:
        subject = f"{share.path} with {target}"
        try:
            path = parse_s3_path(f"s3a://{share.path}")
        except VendError as refusal:
            self.report.skip("share", subject, refusal.message)
            return
        owner = self.layout.home_owner(path.bucket, path.prefix)
        if owner is None or owner not in self.state.users:
            self.report.skip("share", subject, "lies in the home of no user that was taken over")
            return
        level = share.level.at_most(most)
        if level is not share.level:
            self.report.note("share", subject, "was writable for the read-only half of a tenant; it is readable now")
        key = (_place(path), target)
        before = self.state.shares.get(key)
        if before is None or level.covers(before.level):
            self.state.shares[key] = FoundShare(path, Target(TargetKind.USER, owner), target, level)

    def _note_widened(self, target: Target, found: FoundTenant) -> None:
        """A share with either half is one with the tenant now, which each member has at the lower of both levels."""
        shared = [share for (_, with_), share in self.state.shares.items() if with_ == target]
        if shared and len(set(found.members.values())) > 1:
            text = f"{len(shared)} shares with one half of it reach the members of both halves now, those of the"
            self.report.note("tenant", target.name, f"{text} read-only half for reading")

    def _is_own(self, path: str, target: Target) -> bool:
        """Say whether a path of a policy is the holder's own by the layout: theirs anyway, whoever shared it."""
        bucket, _, key = path.partition("/")
        templates = self.layout.homes if target.kind is TargetKind.USER else self.layout.tenants
        folder = f"{key}/"
        return any(
            bucket == template.bucket and folder.startswith(template.prefix(target.name))
            for template in templates.values()
        )

    def _name(self, text: str, parse: Callable[[str], _Name], kind: str) -> _Name | None:
        try:
            return parse(text)
        except VendError as refusal:
            self.report.skip(kind, text, refusal.message)
            return None


def _place(path: S3Path) -> str:
    return f"{path.bucket}/{path.prefix}"


def _time(text: str | None) -> str:
    """Return a time as PostgreSQL writes it in our form; one without an offset is UTC.  Empty if it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return ""
    return rfc3339((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _text(text: str | None) -> str:
    return "".join(one for one in text or "" if one.isprintable() or one in "\t\n")[:4000]


def _line(text: str | None) -> str:
    return "".join(one for one in text or "" if one.isprintable())[:200]


def _link(text: str | None) -> str:
    fits = text and len(text) <= 2048 and _LINK.fullmatch(text)
    return text if fits and text else ""


_METADATA: Final = {
    "display_name": _line,
    "description": _text,
    "website": _link,
    "organization": _line,
    "created_by": _line,
    "updated_by": _line,
}
