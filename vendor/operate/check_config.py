"""`vendor check-config`: what is in force, and what is wrong with it."""

import json
import sys

from rich.console import Console
from rich.table import Table

from vendor.environment import PREFIX, SettingsError
from vendor.identity.keyring import KeyringError
from vendor.identity.trust import TrustError, load_trust
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.policy.tables import PolicyFileError
from vendor.secret import Secret
from vendor.settings import SECRETS, Settings, load


def check(*, as_json: bool) -> int:
    """Print every setting in force; 0 when the gateway could start, else 1 with a line per mistake on stderr."""
    try:
        settings = load()
        load_layout(settings.policies / "layout.toml")
        load_access(settings.policies / "access.toml")
        load_trust(settings.trust)
    except SettingsError as mistakes:
        return _refuse(mistakes.problems)
    except (KeyringError, TrustError, PolicyFileError) as mistake:
        return _refuse([str(mistake)])
    values = {PREFIX + name.upper(): _shown(getattr(settings, name)) for name in Settings.model_fields}
    for store, further in settings.by_store.items():
        if further is not settings:
            values |= {f"{store}.env: {name}": value for name, value in _store_lines(further).items()}
    _print(values, as_json=as_json, heading="value")
    return 0


def _store_lines(settings: Settings) -> dict[str, str | None]:
    fields = [name for name in Settings.model_fields if name.startswith("store_")]
    return {PREFIX + name.upper(): _shown(getattr(settings, name)) for name in fields}


def list_settings(*, as_json: bool) -> int:
    """Print every setting there is, with its default."""
    values: dict[str, str | None] = {}
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        default = "(required)" if field.is_required() else _shown(field.default)
        values[variable] = default
        if name.upper() in SECRETS:
            values[f"{variable}_FILE"] = f"(a file that holds {variable})"
    _print(values, as_json=as_json, heading="default")
    return 0


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return repr(value) if isinstance(value, Secret) else str(value)


def _print(values: dict[str, str | None], *, as_json: bool, heading: str) -> None:
    if as_json:
        sys.stdout.write(json.dumps(values, indent=2) + "\n")
        return
    table = Table("setting", heading, box=None)
    for variable, value in values.items():
        table.add_row(variable, "-" if value is None else value)
    Console().print(table)


def _refuse(problems: list[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"vendor: {problem}\n")
    return 1
