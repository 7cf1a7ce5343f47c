"""The pages about running it: the table of settings is the code's, and what they name exists."""

import re
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from tests.deploy.files import FOLDER, STACK_SECRETS, TOP, compose
from vendor.settings import Settings

DEPLOY, CONFIGURATION = TOP / "docs" / "deploy.md", TOP / "docs" / "configuration.md"
UPDATE = TOP / "docs" / "update_configuration.py"


def test_the_table_of_settings_is_up_to_date_and_explains_each() -> None:
    done = subprocess.run([sys.executable, UPDATE, "--check"], cwd=TOP, capture_output=True, text=True, timeout=30)

    assert (done.stderr, done.returncode) == ("", 0)
    rows = re.findall(r"(?m)^\| `VENDOR_(\w+)` \|", CONFIGURATION.read_text())
    assert [name.lower() for name in rows] == list(Settings.model_fields)


@pytest.fixture
def update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, on a copy of the page."""
    module = run_path(str(UPDATE))
    copy = tmp_path / CONFIGURATION.name
    copy.write_text(module["page"](CONFIGURATION.read_text()))
    monkeypatch.setitem(module["main"].__globals__, "PAGE", copy)
    return module["main"]


def test_a_stale_table_is_noticed_and_repaired(update: Any, tmp_path: Path) -> None:
    page = tmp_path / CONFIGURATION.name
    right = page.read_text()
    page.write_text(right.replace("| `VENDOR_PORT` | `8080` |", "| `VENDOR_PORT` | `80` |"))

    assert page.read_text() != right
    assert update(["--check"]) == 1
    assert update([]) == 0
    assert page.read_text() == right
    assert update(["--check"]) == 0


def test_a_setting_about_which_nothing_is_said_is_named(
    update: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / CONFIGURATION.name
    page.write_text(page.read_text().replace("| Port to listen on. |", "|  |"))

    assert update(["--check"]) == 1
    assert "VENDOR_PORT" in capsys.readouterr().err


def test_what_cannot_be_updated_is_said_in_a_sentence(
    update: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(["--chekc"]) == 2
    page = tmp_path / CONFIGURATION.name
    page.write_text("no table")
    assert update([]) == 2
    assert page.read_text() == "no table"
    page.unlink()
    assert update(["--check"]) == 2
    usage, *said = capsys.readouterr().err.splitlines()
    assert usage == "usage: python docs/update_configuration.py [--check]"
    assert [line.partition(":")[0] for line in said] == ["configuration.md cannot be updated"] * 2


@pytest.mark.parametrize("page", [DEPLOY, CONFIGURATION], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text()) if not link.startswith("https://")]

    assert links
    assert all((page.parent / link).exists() for link in links)


def test_every_secret_is_in_the_list_of_secrets() -> None:
    listed = set(re.findall(r"(?m)^\| `([a-z0-9.-]+\.?[a-z]*)` \| [A-Za-z -]+ \| [^|]+ \|$", DEPLOY.read_text()))

    assert listed == STACK_SECRETS | {"people.txt"}


def test_services_are_described_as_they_are() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\d+|nothing)[^|]* \| (\d+) \|", DEPLOY.read_text())
    services = {name: service for name, service in compose()["services"].items() if "profiles" not in service}

    assert {name: (port, user) for name, port, user in rows} == {
        name: (
            service["ports"][0].split(":")[1] if "ports" in service else "nothing",
            service["user"].partition(":")[0],
        )
        for name, service in services.items()
    }


def test_the_steps_name_what_exists() -> None:
    text = DEPLOY.read_text()
    stack = compose()["services"]

    for service in re.findall(r"docker compose run --rm -T (\w+)", text):
        assert service in stack
    for file in re.findall(r"--env-file (\S+/\S+)", text):
        assert (TOP / file).is_file()
    assert "tar -xpC deploy/compose" in text
    assert "tar -xpC deploy/compose" in (FOLDER / "make_secrets.py").read_text()
