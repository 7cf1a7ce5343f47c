"""The table of sizes in docs/policies.md: `python -m tests.policy.size_table --write` puts it there.

A test compares the document with what this writes, so the numbers in it are those of the planner.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from vendor.names import Bucket, Prefix, TenantName, UserName
from vendor.policy.access import AccessTable, load_access
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.layout import Layout, load_layout
from vendor.policy.planner import Part, plan_ceilings, plan_lease_set, policy_for

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "policies.md"
BEGIN, END = "<!-- sizes: written by tests/policy/size_table.py -->", "<!-- end of sizes -->"
LIMIT = 2048

Make = Callable[[int], Sequence[Grant]]
"""Makes the grants of a row, for a number of things."""


def table() -> str:
    """Return the tables as Markdown."""
    access, layout = load_access(ROOT / "policies" / "access.toml"), load_layout(ROOT / "policies" / "layout.toml")
    return "\n".join([*_one_policy(access, layout), "", *_several(access, layout)])


def _home(layout: Layout) -> list[Grant]:
    return [*layout.home_grants(UserName("alice"))]


def _tenants(layout: Layout, count: int, level: Callable[[int], Level]) -> list[Grant]:
    """Make the grants of tenants whose names have five letters."""
    names = [TenantName(f"tnt{number:02}") for number in range(count)]
    return [grant for number, name in enumerate(names) for grant in layout.tenant_grants(name, level(number))]


def _shares(count: int, path: str, level: Level, *, bucket: str, with_key: bool) -> list[Grant]:
    return [
        Grant(Bucket(bucket), Prefix(path.format(number)), level, Source(f"share:s_{number}"), with_key)
        for number in range(count)
    ]


def _write(_: int) -> Level:
    return Level.WRITE


def _read(_: int) -> Level:
    return Level.READ


def _mixed(number: int) -> Level:
    return Level.WRITE if number % 2 else Level.READ


def _one_policy(access: AccessTable, layout: Layout) -> list[str]:
    short, long = "bob/set-{:02}/", "users-general-warehouse/bob/set-{:02}/"

    def shares(path: str, level: Level, with_key: bool, bucket: str = "cdm-lake") -> Make:
        return lambda count: _shares(count, path, level, bucket=bucket, with_key=with_key)

    rows: list[tuple[str, str, Make]] = [
        ("home and tenants, writing", "tenants", lambda n: _home(layout) + _tenants(layout, n, _write)),
        ("home and tenants, half of them only read", "tenants", lambda n: _home(layout) + _tenants(layout, n, _mixed)),
        ("home and tenants, reading", "tenants", lambda n: _home(layout) + _tenants(layout, n, _read)),
        ("tenants alone, writing", "tenants", lambda n: _tenants(layout, n, _write)),
        ("tenants alone, reading", "tenants", lambda n: _tenants(layout, n, _read)),
        ("folders `bob/set-00/` without their key, reading", "folders", shares(short, Level.READ, False)),
        ("folders `bob/set-00/` without their key, writing", "folders", shares(short, Level.WRITE, False)),
        ("shares of `bob/set-00`, folder and key, reading", "shares", shares(short, Level.READ, True)),
        ("shares of `bob/set-00`, folder and key, writing", "shares", shares(short, Level.WRITE, True)),
        ("shares of `users-general-warehouse/bob/set-00`, reading", "shares", shares(long, Level.READ, True)),
    ]
    lines = [
        f"| In one session policy of {LIMIT:,} bytes | most that fit | prefixes | bytes |",
        "|---|---|---|---|",
        f"| a home alone | - | 2 | {policy_for(_home(layout), access).bytes:,} |",
    ]
    for name, unit, make in rows:
        count = _most(make, access)
        grants = make(count)
        lines.append(f"| {name} | {count} {unit} | {len(grants)} | {policy_for(grants, access).bytes:,} |")
    return lines


def _most(make: Make, access: AccessTable) -> int:
    """Return how many fit."""
    count = 1
    while policy_for(make(count + 1), access).bytes <= LIMIT:
        count += 1
    return count


def _several(access: AccessTable, layout: Layout) -> list[str]:
    long = "users-general-warehouse/user{:04}/results/"

    def described(name: str, parts: Sequence[Part]) -> str:
        sizes = ", ".join(f"{part.policy.bytes:,}" for part in parts)
        return f"| {name} | {sum(len(part.grants) for part in parts)} | {len(parts)} | {sizes} |"

    tenants = _tenants(layout, 20, _write)
    everything = [
        *_home(layout),
        *_tenants(layout, 100, _mixed),
        *_shares(500, long, Level.READ, bucket=layout.bucket, with_key=True),
    ]
    return [
        "| In several documents | prefixes | documents | bytes |",
        "|---|---|---|---|",
        described("lease set: 20 tenants", plan_lease_set(tenants, access, LIMIT)),
        described("lease set: a home and 20 tenants", plan_lease_set(_home(layout) + tenants, access, LIMIT)),
        described("ceilings: a home, 100 tenants, 500 shares", plan_ceilings(everything, access)),
    ]


def with_table(document: str) -> str:
    """Return a document with the table between its two marks."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> int:
    """Print the table, or write it into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(table() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
