"""Write the tables of "A profile" in docs/performance.md anew: python docs/update_profile.py [FILE]

They come from tests/bench/profile.json.  FILE, the `.bench/profile.json` of a run, is first put in its place.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
COMMITTED = DOCS.parent / "tests" / "bench" / "profile.json"
BEGIN, END = "<!-- profile: begin -->", "<!-- profile: end -->"


def tables(content: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    machine = content["machine"]
    lines = [
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}, "
        f"commit {content['commit']}."
    ]
    for one in content["profiles"]:
        lines += ["", *_processes(one), "", *_components(one)]
    return "\n".join(lines)


def _processes(found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"**New leases on {found['store']}**, {found['connections']} at a time: {found['per_second']:.0f} a second, "
        f"median {found['p50_ms']:.1f} ms."
    )
    yield ""
    yield "| process | ms of processor a lease | of a core |"
    yield "|---|---:|---:|"
    for one in found["processes"]:
        yield f"| {one['name']} | {one['ms']:.3f} | {one['cores']:.2f} |"


def _components(found: dict[str, Any]) -> Iterator[str]:
    yield "| of the gateway's worker | ms a lease | percent | most of it, in percent of the worker |"
    yield "|---|---:|---:|---|"
    for one in found["components"]:
        functions = ", ".join(f"`{each['name']}` {each['percent']:.1f}" for each in one["functions"])
        yield f"| {one['name']} | {one['ms']:.3f} | {one['percent']:.1f} | {functions} |"


def updated(page: str, content: dict[str, Any]) -> str:
    """Return the page with its tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables(content)}\n{END}{after}"


def main() -> None:
    """Update the page."""
    if len(sys.argv) > 1:
        shutil.copyfile(sys.argv[1], COMMITTED)
    page = DOCS / "performance.md"
    content = json.loads(COMMITTED.read_text(encoding="utf-8"))
    page.write_text(updated(page.read_text(encoding="utf-8"), content), encoding="utf-8")


if __name__ == "__main__":
    main()
