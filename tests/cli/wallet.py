"""A system keyring for tests: `PYTHON_KEYRING_BACKEND=tests.cli.wallet.Wallet`, kept in the home folder."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class Wallet(KeyringBackend):
    """Keeps its secrets in `~/wallet.json`; with WALLET_LOCKED set, it refuses everything."""

    priority = 5

    def _read(self) -> dict[str, str]:
        if os.environ.get("WALLET_LOCKED"):
            raise KeyringLocked("the wallet is locked")
        path = Path.home() / "wallet.json"
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return kept

    def _write(self, kept: dict[str, str]) -> None:
        (Path.home() / "wallet.json").write_text(json.dumps(kept))

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._read() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not there")
        self._write(kept)
