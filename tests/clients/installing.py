"""Clients and their programs, installed by the registries' own tools into a folder that git does not see.

Nothing of it goes into the project's environment.  What is there already is not installed again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
INSTALLED = ROOT / ".clients"
PYTHON = {
    "aws": ["boto3", "awscli"],
    "aio": ["s3fs", "aiobotocore"],
    "engines": [
        "obstore", "polars", "pyarrow",
        "duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5", "duckdb-extension-aws==1.5.5",
    ],
}  # fmt: skip
"""What goes together: the AWS CLI and aiobotocore each insist on a botocore of their own."""


def own_python() -> list[str]:
    """The project's own environment, for the clients that it has anyway."""
    return [sys.executable]


def python(group: str) -> list[str]:
    """An environment with one group of Python clients."""
    folder = INSTALLED / f"python-{group}"
    if _is_new(folder, "\n".join(PYTHON[group])):
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *PYTHON[group])
        _done(folder, "\n".join(PYTHON[group]))
    return [str(folder / "bin/python")]


def node() -> list[str]:
    """Node, in a folder with the JavaScript clients and their programs."""
    program, npm = _needed("node"), _needed("npm")
    folder = INSTALLED / "node"
    manifest = (PROGRAMS / "node/package.json").read_text()
    if _is_new(folder, manifest):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROGRAMS / "node/package.json", folder)
        _run(npm, "install", "--silent", "--no-fund", "--no-audit", cwd=folder)
        _done(folder, manifest)
    for file in (PROGRAMS / "node").glob("*.mjs"):
        shutil.copy(file, folder)
    return [program]


def go() -> list[str]:
    """The Go program, built."""
    program = _needed("go")
    folder = INSTALLED / "go"
    source = "".join((PROGRAMS / "go" / name).read_text() for name in ("go.mod", "main.go"))
    if _is_new(folder, source):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "main.go"):
            shutil.copy(PROGRAMS / "go" / name, folder)
        _run(program, "mod", "tidy", cwd=folder)
        _run(program, "build", "-o", "client", ".", cwd=folder)
        _done(folder, source)
    return [str(folder / "client")]


def java() -> list[str]:
    """The Java program, compiled, with its class path."""
    program, mvn = _needed("java"), _needed("mvn")
    folder = INSTALLED / "java"
    names = ("pom.xml", "src/main/java/Main.java")
    source = "".join((PROGRAMS / "java" / name).read_text() for name in names)
    if _is_new(folder, source):
        (folder / "src/main/java").mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(PROGRAMS / "java" / name, folder / name)
        _run(mvn, "-q", "-B", "compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath", cwd=folder)
        _done(folder, source)
    classes = f"{folder / 'target/classes'}{os.pathsep}{(folder / 'classpath').read_text()}"
    return [program, "-Xmx256m", "-cp", classes, "Main"]


def _needed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} on the PATH")
    return found


def _is_new(folder: Path, content: str) -> bool:
    mark = folder / ".installed"
    return not mark.exists() or mark.read_text() != _digest(content)


def _done(folder: Path, content: str) -> None:
    (folder / ".installed").write_text(_digest(content))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        pytest.fail(f"{command[0]}: {(done.stdout + done.stderr)[-1500:]}")
