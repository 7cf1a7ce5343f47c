"""`vendor trust check` and `vendor keys …`: the reports as lines for people, or as JSON."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from vendor.environment import SettingsError
from vendor.identity.keyring import KeyringError
from vendor.operate import keys, trust
from vendor.secret import RawToken
from vendor.settings import Settings, load


class Report(Protocol):
    """What the functions of `trust` and `keys` return."""

    def lines(self) -> Iterable[str]:
        """Return it for people."""

    def as_json(self) -> Mapping[str, object]:
        """Return it for programs."""


def check_trust(file: Path, token: str | None, *, online: bool, as_json: bool) -> int:
    """Print what a trust file makes of itself, and of a token; 1 if the file is wrong or the token refused."""
    text = sys.stdin.read().strip() if token == "-" else token  # noqa: S105 - the sign for stdin
    raw = RawToken(text) if text else None
    report = trust.check(file, raw, online=online, own_issuer_url=os.environ.get("VENDOR_PUBLIC_URL"))
    _print(report, as_json=as_json)
    return 0 if report.ok else 1


def show_keys(*, as_json: bool) -> int:
    """Print the signing keys of the configured folder; 1 if there are none to show, 2 without a configuration."""
    return _of_keys(lambda _settings, folder: keys.show(folder), as_json=as_json)


def rotate_keys(lead: int, keep: int | None, *, as_json: bool) -> int:
    """Rotate the signing keys of the configured folder and print what came of it."""

    def rotate(settings: Settings, folder: Path) -> Report:
        kept = keep if keep is not None else max(settings.lease_max_seconds, int(keys.KEEP_SECONDS))
        return keys.rotate(folder, lead_seconds=lead, keep_seconds=kept)

    return _of_keys(rotate, as_json=as_json)


def _of_keys(action: Callable[[Settings, Path], Report], *, as_json: bool) -> int:
    try:
        settings = load()
    except SettingsError as mistakes:
        return _refuse(mistakes.problems, 2)
    if settings.issuer_keys_dir is None:
        return _refuse(
            ["VENDOR_ISSUER_KEYS_DIR is not set: keys from VENDOR_ISSUER_KEY are rotated by changing it."], 2
        )
    try:
        _print(action(settings, settings.issuer_keys_dir), as_json=as_json)
    except KeyringError as problem:
        return _refuse([str(problem)], 1)
    return 0


def _print(report: Report, *, as_json: bool) -> None:
    lines = [json.dumps(report.as_json(), indent=2)] if as_json else report.lines()
    for line in lines:
        sys.stdout.write(line + "\n")


def _refuse(problems: Iterable[str], status: int) -> int:
    for problem in problems:
        sys.stderr.write(f"vendor: {problem}\n")
    return status
