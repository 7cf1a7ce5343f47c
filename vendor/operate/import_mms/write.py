"""Write what was recovered as a state file, which `PUT /v1/state` restores and `dry_run=true` tries."""

from collections import Counter
from collections.abc import Iterator

from vendor.governance.records import Share, Tenant, User, share_id
from vendor.governance.statefile import (
    Header,
    Line,
    Member,
    Record,
    Steward,
    counted,
    kind_of,
    read_line,
    write_line,
)
from vendor.names import TenantName, UserName
from vendor.operate.import_mms.recovered import FoundShare, FoundTenant, FoundUser, Recovered
from vendor.times import rfc3339

NOBODY = "mms"
"""Who did what MMS has no name for."""


def state_file(state: Recovered, now: float) -> Iterator[bytes]:
    """Yield the lines of the file.  Each is read back first: what cannot be restored is not written."""
    counts: Counter[str] = Counter()
    for line in (Header(0, rfc3339(now)), *_records(state, rfc3339(now))):
        if not isinstance(line, Header):
            counts[kind_of(line)] += 1
        yield _checked(line)
    yield _checked(counted(counts))


def _checked(line: Line) -> bytes:
    data = write_line(line)
    read_line(data.removesuffix(b"\n"))
    return data


def _records(state: Recovered, now: str) -> Iterator[Record]:
    for name, user in sorted(state.users.items()):
        yield _user(name, user, now)
    for tenant, found in sorted(state.tenants.items()):
        yield _tenant(tenant, found, now)
    for tenant, found in sorted(state.tenants.items()):
        yield from (Member(tenant, user, access) for user, access in sorted(found.members.items()))
        for steward, (by, at) in sorted(found.stewards.items()):
            yield Steward(tenant, steward, at or now, by or NOBODY)
    for share in sorted(state.shares.values(), key=lambda share: (share.path.text, str(share.target))):
        yield _share(share, now)


def _user(name: UserName, found: FoundUser, now: str) -> User:
    return User(
        name=name,
        first_seen=found.first_seen or now,
        display_name=found.display_name or None,
        email=found.email or None,
        disabled=False,
        revision=0,
    )


def _tenant(name: TenantName, found: FoundTenant, now: str) -> Tenant:
    said = found.metadata
    return Tenant(
        name=name,
        display_name=said.get("display_name") or None,
        description=said.get("description") or None,
        website=said.get("website") or None,
        organization=said.get("organization") or None,
        created_at=said.get("created_at") or now,
        created_by=said.get("created_by") or NOBODY,
        updated_at=said.get("updated_at") or said.get("created_at") or now,
        updated_by=said.get("updated_by") or said.get("created_by") or NOBODY,
        revision=0,
        stewards_revision="",
    )


def _share(found: FoundShare, now: str) -> Share:
    return Share(
        id=share_id(found.path, found.target),
        path=found.path,
        target=found.target,
        level=found.level,
        expires_at=None,
        owner=found.owner,
        created_by=found.owner.name,
        created_at=now,
    )
