"""The users, tenants, memberships and shares of the comparison with MMS, as a state file."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.bench.kbase import ADMIN
from vendor.governance.records import Share, Target, TargetKind, Tenant, User, share_id
from vendor.governance.statefile import Header, Member, Record, counted, kind_of, write_line
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level

USERS: Final = 50
TENANTS: Final = 10
"""Each has two groups, as MMS counts."""
PEOPLE: Final = 40
"""Of the users so many are called by a number of ten digits, as a load writes it."""
A_TENANT: Final = 50
"""So many of the further users belong to a tenant of theirs, and each shares something with it."""
EVERYBODY: Final = TenantName("globalusers")
TEAM: Final = TenantName("team0")
ALONE: Final = UserName("user0")
"""Whose paths are shared and looked at."""
PATH: Final = f"s3a://cdm-lake/users-general-warehouse/{ALONE}/bench"
_AT: Final = "2026-01-01T00:00:00Z"
_BY: Final = UserName(ADMIN)


def state(more: int) -> Iterator[bytes]:
    """Yield the lines: of what everything is measured with, and `more` users with what is theirs."""
    counts: Counter[str] = Counter()
    yield write_line(Header(0, _AT))
    for record in _records(more):
        counts[kind_of(record)] += 1
        yield write_line(record)
    yield write_line(counted(counts))


def _records(more: int) -> Iterator[Record]:
    near = [UserName(f"user{number}") for number in range(USERS)]
    people = [UserName(f"person{number:010d}") for number in range(PEOPLE)]
    far = [UserName(f"other{number}") for number in range(more)]
    teams = [TenantName(f"team{number}") for number in range(TENANTS)]
    circles = [TenantName(f"circle{number}x") for number in range(-(-more // A_TENANT))]
    users = [*near, *people, *far]
    yield from (User(name, _AT, None, None, disabled=False, revision=0) for name in (_BY, *users))
    yield from (
        Tenant(name, None, None, None, None, _AT, _BY, _AT, _BY, 0, "") for name in (EVERYBODY, *teams, *circles)
    )
    yield from (Member(EVERYBODY, name, Access.READ_ONLY) for name in users)
    yield from (Member(teams[number % TENANTS], name, Access.READ_ONLY) for number, name in enumerate(near[1:]))
    yield from (Member(circles[number // A_TENANT], name, Access.READ_WRITE) for number, name in enumerate(far))
    for name in near[1:6]:
        yield _share(ALONE, "bench/shared", Target(TargetKind.USER, name))
    for tenant in teams[:3]:
        yield _share(ALONE, "bench/shared", Target(TargetKind.TENANT, tenant))
    for number, name in enumerate(far):
        yield _share(name, "folder", Target(TargetKind.TENANT, circles[number // A_TENANT]))


def _share(owner: UserName, folder: str, target: Target) -> Share:
    path = parse_s3_path(f"s3a://cdm-lake/users-general-warehouse/{owner}/{folder}/")
    home = Target(TargetKind.USER, owner)
    return Share(share_id(path, target), path, target, Level.READ, None, home, owner, _AT)
