"""A real OpenID provider to sign in with (wheel `nanoidp`): device flow, authorization code with PKCE, refresh tokens.

It keeps keys of its own.  Its page to approve a device takes user name and password; `Idp` does the same for scripts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import find_program
from vendor.dev.users import PEOPLE
from vendor.dev.web import answers, client

CLIENT_ID = "vendor"
TOKEN_MINUTES = 12 * 60
"""How long the tokens last that the stack hands out; those of an interactive sign-in last an hour and are refreshed."""

_DISCOVERY = "/.well-known/openid-configuration"
_CALLBACKS = ("/callback", "/console/callback", "/hub/oauth_callback")
"""Of the command line, the console, and a JupyterHub."""


@dataclass(frozen=True)
class Idp:
    """A running provider."""

    child: Child
    issuer: str
    keys: Path = field(repr=False)
    _folder: StateFolder = field(repr=False)

    @property
    def discovery(self) -> str:
        return self.issuer + _DISCOVERY

    def token(self, user: str, *, minutes: int = TOKEN_MINUTES) -> str:
        """Return a fresh access token, as a sign-in would give, from the provider's management API."""
        with client(self.issuer) as web:
            answer = web.post(
                f"/api/users/{user}/token",
                json={"client_id": CLIENT_ID, "exp_minutes": minutes},
                headers=self._management(),
            ).raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def password(self, user: str) -> str:
        """Return what the provider's sign-in page wants from this user."""
        return self._folder.secret(f"password-{user}", 16)

    def begin_device_flow(self, scope: str = "openid profile email") -> dict[str, Any]:
        """Ask for a device code and a user code, as a command line does."""
        started: dict[str, Any] = self._form("/device_authorization", {"client_id": CLIENT_ID, "scope": scope}).json()
        return started

    def approve(self, user_code: str, user: str, *, approved: bool = True) -> None:
        """Do what a person does on the page that a device flow points at."""
        form = {"user_code": user_code, "username": user, "password": self.password(user)}
        page = self._form("/device", {**form, "action": "authorize" if approved else "deny"}).text
        if ("Device authorized" if approved else "Device authorization denied") not in page:
            raise RuntimeError("the provider did not take this user code from this user")

    def signing_key(self) -> str:
        """Return the private key (PEM) that it signs with now."""
        return (self.keys / "rsa_private.pem").read_text()

    def rotate_keys(self) -> None:
        """Make it sign with a new key; the old one stays published."""
        with client(self.issuer) as web:
            web.post("/api/keys/rotate", headers=self._management()).raise_for_status()

    def _form(self, path: str, form: dict[str, str]) -> httpx2.Response:
        with client(self.issuer) as web:
            return web.post(path, data=form).raise_for_status()

    def _management(self) -> dict[str, str]:
        return {"x-management-secret": self._folder.secret("idp-management")}


def start_idp(folder: StateFolder, children: Children) -> Idp:
    """Start the provider with its users and the public client `vendor`, and return it once it answers."""
    place = folder.sub("idp")
    nanoidp = find_program("nanoidp", "install the wheel nanoidp")
    passwords = {person.name: folder.secret(f"password-{person.name}", 16) for person in PEOPLE}
    write_private(place / "users.yaml", json.dumps(_users(passwords), indent=1))  # JSON is YAML

    def program(ports: Sequence[int]) -> Program:
        write_private(place / "settings.yaml", json.dumps(_settings(folder, place, ports[0]), indent=1))
        return Program(
            name="idp",
            argv=[nanoidp, "--config", str(place), "--strict-config"],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / "idp.log",
            ports=ports,
        )

    child = children.serve(1, program, lambda child: answers(_issuer(child.program.ports[0]) + _DISCOVERY), within=20)
    return Idp(child, _issuer(child.program.ports[0]), place / "keys", folder)


def _issuer(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _settings(folder: StateFolder, place: Path, port: int) -> dict[str, object]:
    vendor = {
        "client_id": CLIENT_ID,
        "client_secret": "",
        "token_endpoint_auth_method": "none",
        "description": "Vendor",
        # Of a loopback address any port is accepted (RFC 8252, 7.3).
        "redirect_uris": [f"http://{LOOPBACK}{path}" for path in _CALLBACKS],
    }
    return {
        "config_version": 1,
        "server": {"host": LOOPBACK, "port": port},
        "oauth": {
            "issuer": _issuer(port),
            "audience": CLIENT_ID,
            "token_expiry_minutes": 60,
            "refresh_token_rotation": True,
            "require_pkce": True,
            "clients": [vendor],
        },
        "device_flow": {"polling_interval": 1},
        "jwt": {"keys_dir": str(place / "keys")},
        "session": {
            "secret_key": folder.secret("idp-session"),
            "management_secret": folder.secret("idp-management"),
            "require_ui_login": True,
        },
        "cors_allowed_origins": [],
        "logging": {"level": "WARNING", "verbose_logging": False},
    }


def _users(passwords: dict[str, str]) -> dict[str, object]:
    users = {
        person.name: {"password": passwords[person.name], "email": person.email, "roles": person.roles}
        for person in PEOPLE
    }
    return {"config_version": 1, "users": users}
