"""Named gateways in `config.toml`.  Nothing in it is secret; tokens live elsewhere.

```toml
default = "work"

[profiles.work]
gateway = "https://vendor.example.org"
```
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vendor.client import files
from vendor.client.errors import BadInput

DEFAULT_PROFILE = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
TEXTS = ("gateway", "issuer", "client_id", "store")
FLAGS = ("insecure_http",)


@dataclass(frozen=True, slots=True)
class Profile:
    """One gateway and how to speak to it; None means: not said."""

    gateway: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    store: str | None = None
    insecure_http: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """The content of the file."""

    default: str = DEFAULT_PROFILE
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    def with_profile(self, name: str, profile: Profile) -> "Config":
        """Return a copy in which `name` is `profile`."""
        return replace(self, profiles={**self.profiles, name: profile})


def parse_profile_name(text: str) -> str:
    """Return `text` as a profile name (it becomes part of a file name), or raise BadInput."""
    if not _NAME.fullmatch(text):
        raise BadInput(f"{text[:80]!a} is not a profile name.", remedy="Use lower-case letters, digits, '-' and '_'.")
    return text


def load(path: Path) -> Config:
    """Read the file; no file is an empty one.  Raises BadInput for what cannot be understood or trusted."""
    try:
        with files.opened(path, follow_links=True) as (file, status):
            if status.st_uid not in {os.geteuid(), 0} or status.st_mode & 0o002:
                # Who writes this file chooses where tokens are sent.
                raise BadInput(f"{path} can be changed by others, so it is not used.", remedy=f"chmod go-w {path}")
            content = file.read(files.MAX_BYTES)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise BadInput(f"{path} cannot be used ({error.strerror}).") from None
    try:
        return _read(tomllib.loads(content.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{path} is not valid TOML ({error}).", remedy="Correct it, or remove it.") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}", remedy=error.remedy) from None


def save(path: Path, config: Config) -> None:
    """Write the file in one step."""
    lines = [f"default = {_quoted(config.default)}"]
    for name, profile in sorted(config.profiles.items()):
        lines += ["", f"[profiles.{name}]"]
        lines += [f"{key} = {_quoted(value)}" for key in TEXTS if (value := getattr(profile, key)) is not None]
        lines += [f"{key} = true" for key in FLAGS if getattr(profile, key)]
    files.write_private(path, ("\n".join(lines) + "\n").encode())


def _read(document: Mapping[str, object]) -> Config:
    unknown = set(document) - {"default", "profiles"}
    if unknown:
        raise BadInput(f"{min(unknown)!a} is not a known setting.")
    default = document.get("default", DEFAULT_PROFILE)
    tables = document.get("profiles", {})
    if not isinstance(default, str) or not isinstance(tables, dict):
        raise BadInput("'default' is a text and 'profiles' a table.")
    return Config(
        parse_profile_name(default), {parse_profile_name(name): _profile(name, table) for name, table in tables.items()}
    )


def _profile(name: str, table: object) -> Profile:
    if not isinstance(table, dict):
        raise BadInput(f"profiles.{name} is not a table.")
    for key, value in table.items():
        if key not in TEXTS + FLAGS:
            raise BadInput(f"profiles.{name} has an unknown setting {key!a}.")
        if not isinstance(value, str if key in TEXTS else bool):
            raise BadInput(f"profiles.{name}.{key} is not a {'text' if key in TEXTS else 'boolean'}.")
    return Profile(**table)


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(character):04x}"
        if character in '"\\' or ord(character) < 0x20 or ord(character) == 0x7F
        else character
        for character in text
    )
    return f'"{escaped}"'
