"""Settings as lines: of the environment and of the files of further stores, and what is said of wrong ones.

What may be set is not known here.  Each mistake becomes one sentence that names the variable.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import ValidationError

from vendor.leases.lease import DEFAULT_STORE

PREFIX: Final = "VENDOR_"
CLIENT_SIDE: Final = frozenset({"VENDOR_URL", "VENDOR_TOKEN", "VENDOR_TOKEN_FILE", "VENDOR_PROFILE"})
"""What `vend` reads; a gateway started from the same shell does not take them for mistakes of its own."""
STORE_PREFIX: Final = PREFIX + "STORE_"
_STORE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class SettingsError(Exception):
    """The environment cannot be used.  `problems` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def store_files(folder: Path) -> list[Path]:
    """Return the files of the further stores, by name.  Raises SettingsError."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".env")
    except OSError as failure:
        raise SettingsError([f"VENDOR_STORES_DIR cannot be read ({type(failure).__name__})."]) from None
    wrong = [path.name for path in files if not _STORE_NAME.fullmatch(path.stem) or path.stem == DEFAULT_STORE]
    if wrong:
        raise SettingsError(
            [f"{name}: a store is called by letters a-z, digits and '-', and 'default' is taken." for name in wrong]
        )
    return files


def store_lines(file: Path) -> dict[str, str]:
    """Read the lines of one store.  Raises SettingsError."""
    try:
        lines = dotenv_values(file, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise SettingsError([f"cannot be read ({type(failure).__name__})."]) from None
    foreign = [name for name in lines if not name.startswith(STORE_PREFIX)]
    if foreign or None in lines.values():
        raise SettingsError([f"only lines VENDOR_STORE_…=… belong here, not {foreign[0] if foreign else 'others'}."])
    return {name: text or "" for name, text in lines.items()}


def collect(
    environment: Mapping[str, str], fields: Collection[str], secrets: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Return the values of `fields` that are set, and a sentence for each mistake; `secrets` may come from files."""
    values: dict[str, str] = {}
    problems: list[str] = []
    known = {PREFIX + name.upper() for name in fields}
    files = {f"{PREFIX}{name}_FILE": PREFIX + name for name in secrets}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in CLIENT_SIDE or text == "":
            continue
        target = files.get(variable, variable)
        if target not in known:
            problems.append(f"{variable} is not a setting; 'vendor check-config --list' shows them all.")
            continue
        if variable != target and environment.get(target):
            problems.append(f"{target} and {variable} exclude each other.")
        try:
            values[target.removeprefix(PREFIX).lower()] = text if variable == target else _file_text(text)
        except (OSError, UnicodeDecodeError) as failure:
            problems.append(f"{variable} cannot be read ({type(failure).__name__}).")
            values[target.removeprefix(PREFIX).lower()] = ""
    return values, problems


def _file_text(path: str) -> str:
    return Path(path).read_text("utf-8").strip()


def sentences(failure: ValidationError) -> list[str]:
    """Return one sentence for each mistake."""
    found: list[str] = []
    for error in failure.errors(include_input=False, include_url=False):
        message = str(error["msg"]).removeprefix("Value error, ")
        if not error["loc"]:
            found += message.split("\n")
        elif error["type"] == "missing":
            found.append(f"{PREFIX}{str(error['loc'][0]).upper()} is missing.")
        else:
            found.append(f"{PREFIX}{str(error['loc'][0]).upper()}: {message}.")
    return found
