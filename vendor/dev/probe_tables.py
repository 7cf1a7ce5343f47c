"""Probe every store that this machine has, and write what came out into docs/stores.md.

    python -m vendor.dev.probe_tables [PAGE] [--only NAME]

The page has a pair of marks per store; what stands between them is replaced, and left alone where a store is not there.
Times are left out: they would differ at every run.
"""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vendor.dev.edge import find_nginx, start_edge
from vendor.dev.folder import open_folder
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.minio import KIND as MINIO
from vendor.dev.minio import find_minio
from vendor.dev.ministack import install_ministack, start_ministack
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError
from vendor.dev.seaweedfs import KIND as SEAWEEDFS
from vendor.dev.stack import Stack, running_stack
from vendor.dev.store import ASSUME_ROLE
from vendor.identity.issuer import OwnIssuer
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.settings import Settings, load, shipped_policies
from vendor.stores.probe.report import Report, Result
from vendor.stores.probe.runner import CHECKS, probe
from vendor.stores.probe.trial import Terms
from vendor.stores.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
HEAD = ("| check | | relied on | what was seen |", "|---|---|---|---|")
_NOWHERE = "http://127.0.0.1:1"  # a gateway that a probe does not need


async def probed(
    settings: Settings, *, client: str | None = None, patience: float = 60.0, only: Collection[str] | None = None
) -> Report:
    """Probe a store as `vendor probe` does."""
    layout, access = load_layout(settings.policies / "layout.toml"), load_access(settings.policies / "access.toml")
    issuer = OwnIssuer.open(
        url=settings.public_url, keys_folder=settings.issuer_keys_dir, key_pem=settings.issuer_key, clock=time.time
    )
    store = Store(settings.store, issuer.sign, time.time)
    try:
        terms = Terms(access, settings.lease_max_seconds, patience=patience)
        return await probe(store, layout, terms, client_endpoint=client, only=only)
    finally:
        await store.close()


def of_stack(kind: str) -> Iterator[tuple[str, Report]]:
    """Probe a store of the development stack, and the same behind the edge where that is what it is for."""
    with running_stack(kind, seeded=False) as stack:
        settings = load(stack.gateway.settings)
        yield kind, asyncio.run(probed(settings))
        if kind != SEAWEEDFS:
            with edge_before(stack) as url:
                yield f"{kind}-edge", asyncio.run(probed(settings, client=url))


def of_ministack() -> Iterator[tuple[str, Report]]:
    """Probe ministack."""
    with ministack_settings() as settings:
        yield "ministack", asyncio.run(probed(settings))


@contextmanager
def ministack_settings() -> Iterator[Settings]:
    """Run ministack as long as the block lasts, and say how a gateway would be told of it."""
    install_ministack()
    policies = shipped_policies()
    with open_folder(None) as folder:
        children = Children()
        try:
            bucket = load_layout(policies / "layout.toml").bucket
            site = start_ministack(folder, children, bucket=bucket, policies=policies).site
            environment = {
                "VENDOR_PUBLIC_URL": _NOWHERE,
                "VENDOR_REDIS_URL": "redis://127.0.0.1:1",
                "VENDOR_ISSUER_KEYS_DIR": str(folder.sub("issuer-keys")),
                **site.settings(ASSUME_ROLE),
            }
            yield load(environment)
        finally:
            children.stop(kill=True)


@contextmanager
def edge_before(stack: Stack) -> Iterator[str]:
    """Run the edge before a stack's store as long as the block lasts."""
    find_nginx()
    with open_folder(None) as folder:
        children = Children()
        try:
            yield start_edge(folder, children, stack.store.site.endpoint).url
        finally:
            children.stop(kill=True)


def of_minio() -> Iterator[tuple[str, Report]]:
    """Probe a real MinIO, and the same behind the edge."""
    find_minio()
    yield from of_stack(MINIO)


SOURCES: Mapping[str, Callable[[], Iterator[tuple[str, Report]]]] = {
    SEAWEEDFS: lambda: of_stack(SEAWEEDFS),
    JUICEFS: lambda: of_stack(JUICEFS),
    MINIO: of_minio,
    "ministack": of_ministack,
}


def marks(name: str) -> tuple[str, str]:
    """Return what stands before and after the table of a store."""
    return f"<!-- probe: {name} -->", f"<!-- end of probe: {name} -->"


def table(report: Report) -> list[str]:
    """Return the table of one store."""
    return [*HEAD, *(_row(result) for result in report.results)]


def _row(result: Result) -> str:
    cells = (
        f"`{result.check.name}`",
        f"**{result.verdict}**" if result.verdict == "FAIL" else result.verdict.value,
        "yes" if result.check.relied_on else "",
        result.finding.detail.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def glossary() -> list[str]:
    """Return the table of all checks."""
    head = ["| check | relied on | what must hold | where it does not |", "|---|---|---|---|"]
    rows = (
        f"| `{check.name}` | {'yes' if check.relied_on else ''} | {check.shows} | {check.advice} |" for check in CHECKS
    )
    return [*head, *rows]


def shown(page: str, name: str) -> dict[str, str]:
    """Return the verdicts that the page shows for a store.  Raises ValueError where it has no table of it."""
    before, after = marks(name)
    found = re.search(re.escape(before) + "(.*?)" + re.escape(after), page, re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no table of {name}")
    return dict(re.findall(r"(?m)^\| `([a-z-]+)` \| \**(PASS|FAIL|SKIP)\** \|", found[1]))


def written(page: str, name: str, rows: Sequence[str]) -> str:
    """Return the page with one table made anew."""
    before, after = marks(name)
    lines = "\n".join([before, *rows, after])
    changed, count = re.subn(re.escape(before) + ".*?" + re.escape(after), lambda _: lines, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page has {count} places for the table of {name}")
    return changed


def main(arguments: list[str]) -> int:
    """Write the page; 1 if a probe left something behind."""
    parser = argparse.ArgumentParser(prog="probe_tables", description="Write the tables of docs/stores.md anew.")
    parser.add_argument("page", nargs="?", type=Path, default=PAGE)
    parser.add_argument("--only", choices=sorted(SOURCES))
    asked = parser.parse_args(arguments)
    page, tidy = written(asked.page.read_text("utf-8"), "checks", glossary()), True
    for source in [asked.only] if asked.only else SOURCES:
        try:
            for name, report in SOURCES[source]():
                page = written(page, name, table(report))
                tidy = tidy and not report.left_behind
                print(f"{name}: {sum(r.verdict == 'FAIL' for r in report.results)} of {len(report.results)} fail")
        except MissingProgramError as missing:
            print(f"{source}: left as it was. {missing}", file=sys.stderr)
    asked.page.write_text(page, "utf-8")
    return 0 if tidy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
