"""Which words are places, and what each is needed for: the tables for mc and rclone."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vendor.cli.operands import MC, RCLONE, Tool, operands
from vendor.cli.places import is_place
from vendor.client.errors import BadInput

A, B, C = "s3://lake/a", "tenant:kbase/b", "home/c/"


def needs(tool: Tool, line: str) -> list[str]:
    """Return the places of a line, each with what it is needed for."""
    return [f"{found.access} {found.place}" for found in operands(tool, shlex.split(line), is_place)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"ls {A}", [f"read {A}"]),
        (f"cat {A} {B}", [f"read {A}", f"read {B}"]),
        (f"cp {A} .", [f"read {A}"]),
        (f"cp . {A}", [f"write {A}"]),
        (f"cp --recursive {A} {B} {C}", [f"read {A}", f"read {B}", f"write {C}"]),
        (f"cp {A} {B} --attr {C}", [f"read {A}", f"write {B}"]),
        (f"cp --attr=k=v {A} {B}", [f"read {A}", f"write {B}"]),
        (f"--json -C conf cp {A} {B}", [f"read {A}", f"write {B}"]),
        (f"cp -- {A} {B}", [f"read {A}", f"write {B}"]),
        (f"cp -- -r {B}", [f"write {B}"]),
        (f"mv {A} {B}", [f"write {A}", f"write {B}"]),
        (f"mirror --overwrite {A} {B}", [f"read {A}", f"write {B}"]),
        (f"mirror {A} here", [f"read {A}"]),
        (f"head -n 3 {A}", [f"read {A}"]),
        (f"pipe {A}", [f"write {A}"]),
        (f"share download --expire 1h {A}", [f"read {A}"]),
        (f"share upload {A}", [f"write {A}"]),
        ("share list download", []),
        (f"find {C} --name '*.txt' --older-than 1d", [f"read {C}"]),
        (f"diff {A} {B}", [f"read {A}", f"read {B}"]),
        (f"rm --recursive --force {C}", [f"write {C}"]),
        (f"cp {A}", [f"read {A}"]),  # mc will say what is missing
        ("ls play/bucket", []),  # an alias of mc's own
        ("--version", []),
        ("", []),
    ],
)
def test_mc(line: str, expected: list[str]) -> None:
    assert needs(MC, line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"lsf {A}", [f"read {A}"]),
        (f"copy {A} .", [f"read {A}"]),
        (f"copy . {A}", [f"write {A}"]),
        (f"-P --transfers 4 sync {A} {B}", [f"read {A}", f"write {B}"]),
        (f"sync {A} {B} --transfers 4 -P", [f"read {A}", f"write {B}"]),
        (f"sync --dry-run here {B} --bwlimit 1M", [f"write {B}"]),
        (f"sync --dry-run {A} here", [f"read {A}"]),
        (f"move {A} {B}", [f"write {A}", f"write {B}"]),
        (f"copyurl https://x.example/y {B}", [f"write {B}"]),
        (f"check {A} {B}", [f"read {A}", f"read {B}"]),
        (f"sync here {A} --backup-dir {B}", [f"write {B}", f"write {A}"]),
        (f"sync here {A} --backup-dir={B} --copy-dest={C}", [f"write {B}", f"read {C}", f"write {A}"]),
        (f"rcat {A}", [f"write {A}"]),
        (f"purge {C}", [f"write {C}"]),
        ("copy mine:bucket/x other:bucket/y", []),  # remotes of rclone's own
        ("version", []),
        ("--help", []),
    ],
)
def test_rclone(line: str, expected: list[str]) -> None:
    assert needs(RCLONE, line) == expected


@pytest.mark.parametrize(("tool", "line"), [(MC, "admin info x"), (MC, "rb s3://lake"), (RCLONE, "serve http home/")])
def test_verbs_that_are_not_known(tool: Tool, line: str) -> None:
    with pytest.raises(BadInput, match="does not know the verb"):
        needs(tool, line)


def test_a_place_in_a_flag_keeps_its_flag() -> None:
    (flagged, _) = operands(RCLONE, ["copy", "x", A, f"--backup-dir={B}"], is_place)
    assert (flagged.at, flagged.behind, flagged.place) == (3, "--backup-dir=", B)


@pytest.mark.parametrize(
    "word", ["s3://b/k", "s3a://b/k", "tenant:kbase", "tenant:kbase/x", "tenant.sql:kbase/x", "home/"]
)
def test_places(word: str) -> None:
    assert is_place(word)


@pytest.mark.parametrize(
    "word", ["", "home", "x", "./home/x", "/home/x", "tenant/x", "tenant:", "http://x", "s3:", "S3://b/k"]
)
def test_what_is_no_place(word: str) -> None:
    assert not is_place(word)


def test_what_is_here_wins_but_for_a_last_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_place("home/x")
    Path("home/x").mkdir(parents=True)
    assert not is_place("home/x")
    assert is_place("home/x/")
    Path("home/gone").symlink_to("nowhere")
    assert not is_place("home/gone")
    Path("tenant:kbase").mkdir()
    assert is_place("tenant:kbase")


MC_PROGRAM = shutil.which("mc")


@pytest.mark.skipif(MC_PROGRAM is None, reason="there is no mc on the PATH")
@pytest.mark.parametrize("verb", sorted(MC.verbs))
def test_mc_has_the_flags_that_the_table_says(verb: str, tmp_path: Path) -> None:
    assert MC_PROGRAM is not None
    done = subprocess.run(
        [MC_PROGRAM, *verb.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"HOME": str(tmp_path)},
        check=True,
    )
    flags = done.stdout.partition("FLAGS:")[2].partition("\n\n")[0]
    for line in flags.splitlines():
        if not re.search(r"\S  +\S", line):  # prose
            continue
        for name, value in re.findall(r"(?:^ *|, )--?([\w-]+)( value)?", line.strip().split("  ")[0]):
            assert (f"--{name}" in MC.valued) is bool(value), (verb, line)


RCLONE_PROGRAM = Path(sys.executable).with_name("rclone")


def test_rclone_has_the_flags_that_the_table_says(tmp_path: Path) -> None:
    kinds: dict[str, str] = {}
    for words in (["help", "flags"], *([*verb.split(), "--help"] for verb in RCLONE.verbs)):
        done = subprocess.run(
            [RCLONE_PROGRAM, *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={"HOME": str(tmp_path)},
            check=True,
        )
        for short, name, kind in re.findall(r"^ +(?:-(\w), )?--([\w-]+)( \w+)?  ", done.stdout, re.MULTILINE):
            kinds |= {f"--{name}": kind, **({f"--{short}": kind} if short else {})}
    assert {name for name in RCLONE.bare if kinds.get(name) != ""} == {"--v", "--vv"}  # which count
    assert all(kinds[name] for name in RCLONE.placed)
