"""Break the policy package on purpose, one way at a time, and see a test turn red: `python -m tests.policy.mutants`.

Each mutant is a copy of the project with one text replaced.  A mutant that no test notices is printed as MISSED, and
the exit status is 1; so it is when a text to be replaced is no longer there.  Name parts of names to try only those.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_COPIED = ("vendor", "tests", "policies", "docs")
_QUICK = """
from hypothesis import Phase, settings

settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("mutants")
"""


class Mutant(NamedTuple):
    """In `file`, `old` becomes `new`."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant("drop the trailing slash", "reach.py", 'read=(*[f"{folder}*" for', 'read=(*[f"{folder[:-1]}*" for'),
    Mutant(
        "drop the trailing slash when writing",
        "reach.py",
        'written=(*[f"{folder}*" for',
        'written=(*[f"{folder[:-1]}*" for',
    ),
    Mutant(
        "drop the slash in listing", "reach.py", 'listed=tuple([f"{folder}*" for', 'listed=tuple([f"{folder[:-1]}*" for'
    ),
    Mutant(
        "merge across buckets",
        "reach.py",
        "buckets.setdefault(grant.bucket, []).append(grant)",
        "buckets.setdefault(next(iter(buckets), grant.bucket), []).append(grant)",
    ),
    Mutant(
        "grant the prefixes of every bucket in each",
        "reach.py",
        "    return [_reach(bucket, buckets[bucket]) for bucket in sorted(buckets)]",
        "    return [_reach(bucket, sum(buckets.values(), [])) for bucket in sorted(buckets)]",
    ),
    Mutant(
        "keep a child's wider level for its parent",
        "reach.py",
        "writable = _outermost({grant.prefix for grant in grants if grant.level is Level.WRITE})",
        "writable = [f for f in folders if any(g.level is Level.WRITE and g.prefix.startswith(f) for g in grants)]",
    ),
    Mutant(
        "forget a writable child",
        "reach.py",
        "writable = _outermost({grant.prefix for grant in grants if grant.level is Level.WRITE})",
        "writable = [f for f in folders if any(g.level is Level.WRITE and g.prefix == f for g in grants)]",
    ),
    Mutant("forget multipart abort", "../../policies/access.toml", '    "s3:AbortMultipartUpload",\n', ""),
    Mutant(
        "forget exact keys",
        "reach.py",
        "keys = {grant.key for grant in grants if grant.with_key}",
        "keys: set[str] = set()",
    ),
    Mutant(
        "exact keys for everybody",
        "reach.py",
        "keys = {grant.key for grant in grants if grant.with_key}",
        "keys = {grant.key for grant in grants}",
    ),
    Mutant("write keys at read", "reach.py", "if grant.with_key and grant.level is Level.WRITE}", "if grant.with_key}"),
    Mutant("no s3:prefix condition", "document.py", "if self.listed:", "if False:"),
    Mutant("no read under write", "access.py", "return self.read + self.write if", "return self.write if"),
    Mutant(
        "minimal ignores level",
        "grant.py",
        "if self.bucket != other.bucket or not self.level.covers(other.level):",
        "if self.bucket != other.bucket:",
    ),
    Mutant(
        "narrow to sibling",
        "scope.py",
        "        yield Prefix(prefix[: end + 1])",
        '        yield Prefix(prefix[: end + 1])\n        yield Prefix(prefix[: end] + "2/")',
    ),
    Mutant("narrow ignores level", "scope.py", "if grant.level.covers(ask.level)", "if True"),
    Mutant(
        "piece keeps the wider level",
        "scope.py",
        "piece = Grant(bucket, prefix, ask.level,",
        "piece = Grant(bucket, prefix, best.level,",
    ),
    Mutant(
        "piece keeps the wider folder",
        "scope.py",
        "piece = Grant(bucket, prefix, ask.level,",
        "piece = Grant(bucket, best.prefix, ask.level,",
    ),
    Mutant(
        "piece loses its end", "scope.py", "best.source, with_key, best.expires_at)", "best.source, with_key, None)"
    ),
    Mutant("ended grants live on", "scope.py", "grant.expires_at > now", "grant.expires_at >= now"),
    Mutant("limit off by one", "planner.py", "    if size > limit:", "    if size > limit + 1:"),
    Mutant(
        "empty policy allowed",
        "planner.py",
        "    if not grants:\n        raise NothingGranted()\n    found",
        "    found",
    ),
    Mutant("no escaping of <", "document.py", '"<": "\\\\u003c", ', ""),
    Mutant("weights forget a comma", "weight.py", "    return size + 1", "    return size"),
    Mutant(
        "packing overfills",
        "packing.py",
        "return one.size + scale.added(item.strings, one.slots) <= limit",
        "return one.size + scale.added(item.strings, one.slots) <= limit + 40",
    ),
    Mutant(
        "packing splits groups",
        "packing.py",
        "items.extend([whole] if whole.alone <= limit else _divided(group, scale, limit))",
        "items.extend(_divided(group, scale, limit))",
    ),
    Mutant("packing never searches", "packing.py", "_SEARCHED_ITEMS = 48", "_SEARCHED_ITEMS = 0"),
    Mutant("deny ignored", "caller.py", 'if statement.get("Effect") != "Allow":', "if False:"),
    Mutant("unknown members ignored", "caller.py", "    if members.keys() - known:", "    if False:"),
    Mutant(
        "caller's wider pattern wins",
        "carve.py",
        "    if theirs.matches(ours.text) and not (ours.open and not theirs.open):\n        return ours",
        "    if theirs.matches(ours.text) and not (ours.open and not theirs.open):\n        return theirs",
    ),
    Mutant(
        "prefix condition ignored for objects",
        "carve.py",
        "        if one.listed is None and one.allows_action(action):\n            for ours",
        "        if one.allows_action(action):\n            for ours",
    ),
    Mutant("half names taken", "carve.py", '    if theirs.open and not theirs.text.endswith("/"):', "    if False:"),
    Mutant(
        "write where only read",
        "carve.py",
        "opened = reach.written if action in access.write else",
        "opened = reach.read + reach.written if action in access.write else",
    ),
    Mutant(
        "nested allowed", "layout.py", "if first.startswith(second) or second.startswith(first):", "if first == second:"
    ),
    Mutant(
        "wildcards allowed",
        "access.py",
        '_ACTION = re.compile(r"s3:[A-Z][A-Za-z]*"',
        '_ACTION = re.compile(r"s3:[A-Z*][A-Za-z*]*"',
    ),
    Mutant("never ignored", "access.py", "    _refuse_forbidden(table, never, listed)\n", ""),
    Mutant(
        "explain: sibling",
        "explain.py",
        "path.prefix.startswith(grant.prefix) and grant.level.covers(level)",
        "path.prefix.startswith(grant.key) and grant.level.covers(level)",
    ),
    Mutant("who can: level ignored", "explain.py", "if grant.level.covers(level) and _below", "if _below"),
    Mutant(
        "oracle: deny does not win",
        "oracle.py",
        '    if "Deny" in effects:',
        '    if "Deny" in effects and "Allow" not in effects:',
    ),
    Mutant("oracle: condition ignored", "oracle.py", "and condition(request)", "and True"),
    Mutant(
        "oracle: missing key matches",
        "oracle.py",
        'return optional or qualifier == "ForAllValues" or (not positive and not qualifier)',
        "return True",
    ),
    Mutant(
        "oracle: NotResource read as Resource",
        "oracle.py",
        " is positive\n\n    return test\n\n\ndef _texts",
        " is True\n\n    return test\n\n\ndef _texts",
    ),
)


def main() -> int:
    """Try the mutants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of those to try")
    wanted = parser.parse_args().names
    missed = 0
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for folder in _COPIED:
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        with (copy / "tests" / "policy" / "conftest.py").open("a", encoding="utf-8") as conftest:
            conftest.write(_QUICK)
        for mutant in MUTANTS:
            if not wanted or any(part in mutant.name for part in wanted):
                missed += not _noticed(copy, mutant)
    return 1 if missed else 0


def _noticed(copy: Path, mutant: Mutant) -> bool:
    file = copy / "vendor" / "policy" / mutant.file
    text = file.read_text(encoding="utf-8")
    if mutant.old not in text:
        return _report("LOST  ", mutant, "the text to replace is not there")
    file.write_text(text.replace(mutant.old, mutant.new, 1), encoding="utf-8")
    try:
        argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/policy"]
        left_out = ["--ignore=tests/policy/live"]
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [*argv, *left_out], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        file.write_text(text, encoding="utf-8")
    if done.returncode == 0:
        return _report("MISSED", mutant, "no test noticed")
    lines = done.stdout.splitlines()
    red = next((line for line in lines if line.startswith(("FAILED", "ERROR"))), f"pytest ended with {done.returncode}")
    _report("red   ", mutant, red.partition(" - ")[0])
    return True


def _report(result: str, mutant: Mutant, why: str) -> bool:
    sys.stdout.write(f"{result} {mutant.name}: {why}\n")
    sys.stdout.flush()
    return False


if __name__ == "__main__":
    raise SystemExit(main())
