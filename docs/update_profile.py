"""Write the tables of "A profile" in docs/performance.md anew: python docs/update_profile.py [FILE]

They come from tests/bench/profile.json.  FILE, the `.bench/profile.json` of a run, is first put in its place.
"""

import sys
from collections.abc import Iterator
from typing import Any

from committed_figures import BENCH, Part


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


PART = Part("profile", BENCH / "profile.json", tables)


if __name__ == "__main__":
    sys.exit(PART.main(sys.argv[1:]))
