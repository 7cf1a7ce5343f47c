"""The system keyring (Secret Service, macOS Keychain, Windows Credential Manager) as a place for refresh tokens.

The library `keyring` is optional: `pip install 'sts-vendor[keyring]'`.  Without it, without a keyring that protects
anything, or with `VENDOR_KEYRING=off`, there is no vault, and the caller keeps its secret elsewhere and says so.
"""

from collections.abc import Mapping
from typing import Any

from vendor.client.errors import SignInNeeded
from vendor.secret import Secret

SERVICE = "vend"
_LEAST_PRIORITY = 1
"""What the library recommends: backends below it do not protect what they keep."""


class Vault:
    """One keyring.  Whatever goes wrong in it (locked, refused, away) raises SignInNeeded."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def put(self, name: str, secret: Secret) -> None:
        """Keep `secret` under `name`."""
        self._call("set_password", name, secret.reveal())

    def get(self, name: str) -> Secret | None:
        """Return what is kept under `name`."""
        found = self._call("get_password", name)
        return Secret(found) if isinstance(found, str) and found else None

    def remove(self, name: str) -> None:
        """Forget what is kept under `name`, if anything is."""
        if self.get(name) is not None:
            self._call("delete_password", name)

    def _call(self, method: str, *arguments: str) -> object:
        try:
            result: object = getattr(self._backend, method)(SERVICE, *arguments)
        except Exception as error:  # noqa: BLE001 - backends raise what D-Bus, macOS and Windows raise
            raise SignInNeeded(
                f"The system keyring cannot be used ({type(error).__name__}).",
                remedy="Unlock it; or set VENDOR_KEYRING=off and run 'vend login' again.",
            ) from None
        return result


def find_vault(environ: Mapping[str, str]) -> Vault | None:
    """Return the system keyring, or None where there is none worth the name."""
    if environ.get("VENDOR_KEYRING", "").lower() in {"off", "0", "no", "false"}:
        return None
    try:
        import keyring  # only now: it is slow to import, and may not be installed
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
        usable = float(backend.priority) >= _LEAST_PRIORITY
    except Exception:  # noqa: BLE001 - a broken keyring is none
        return None
    return Vault(backend) if usable else None
