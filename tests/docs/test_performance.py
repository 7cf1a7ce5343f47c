"""docs/performance.md shows the committed figures, and what writes it takes nothing else for those of a run."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
SCRIPTS = {"update_performance.py": "bench.json", "update_profile.py": "profile.json"}
PAGE = "docs/performance.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The page, its scripts and the figures, where nothing is lost."""
    names = [PAGE, "docs/committed_figures.py", *(f"docs/{script}" for script in SCRIPTS)]
    for name in (*names, *(f"tests/bench/{file}" for file in SCRIPTS.values())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, tmp_path / name)
    return tmp_path


def update(copy: Path, script: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, f"docs/{script}", *arguments],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def written(copy: Path) -> dict[str, bytes]:
    names = [PAGE, *(f"tests/bench/{file}" for file in SCRIPTS.values())]
    return {name: (copy / name).read_bytes() for name in names}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_page_shows_what_is_committed(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOP / "docs"))
    part: Any = run_path(str(TOP / "docs" / script))["PART"]
    page = (TOP / PAGE).read_text("utf-8")

    assert part.updated(page, json.loads(part.committed.read_text("utf-8"))) == page


@pytest.mark.parametrize(("script", "file"), SCRIPTS.items())
def test_a_run_takes_the_place_of_what_is_committed(copy: Path, script: str, file: str) -> None:
    run = json.loads((copy / "tests/bench" / file).read_text("utf-8")) | {"commit": "0ther"}
    (copy / "run.json").write_text(json.dumps(run), "utf-8")

    assert update(copy, script, "run.json") == (0, "")

    assert "commit 0ther." in (copy / PAGE).read_text("utf-8")
    assert json.loads((copy / "tests/bench" / file).read_text("utf-8")) == run
    before = written(copy)
    assert update(copy, script, f"tests/bench/{file}") == update(copy, script) == (0, "")
    assert written(copy) == before


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "cannot be read (No such file or directory)", id="missing"),
        pytest.param(b'{"machine":', "is not what a run writes", id="cut-off"),
        pytest.param(b"\xff", "is not what a run writes", id="not-utf-8"),
        pytest.param(b"[]", "is not what a run writes", id="list"),
        pytest.param(b'{"machine": {}}', "is not what a run writes", id="members-missing"),
    ],
)
def test_a_file_of_no_run_changes_nothing(copy: Path, script: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (copy / "run.json").write_bytes(content)
    before = written(copy)

    assert update(copy, script, "run.json") == (2, f"run.json {says}.\n")

    assert written(copy) == before


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_page_without_its_marks_is_left_alone(copy: Path, script: str) -> None:
    page = copy / PAGE
    page.write_text(re.sub(r"<!-- \w+: end -->", "", page.read_text("utf-8")), "utf-8")
    before = written(copy)

    status, said = update(copy, script)

    assert status == 2
    assert re.fullmatch(r"performance\.md: a mark .* is missing\.\n", said)
    assert written(copy) == before
    assert update(copy, script, "one", "another") == (2, "at most one FILE can be named.\n")
