"""Find the gateway and the identity as the command `vend` does: arguments, then environment, then profile."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vendor.client import profiles
from vendor.client.address import ServiceUrl, parse_service_url
from vendor.client.errors import BadInput
from vendor.client.profiles import Config, Profile
from vendor.client.signin import SignIns, provider_of
from vendor.client.tokens import FoundToken, find_token
from vendor.client.vault import find_vault

if TYPE_CHECKING:
    from vendor.client.aio import AsyncClient
    from vendor.client.sync import Client


def config_file() -> Path:
    """Return where profiles are kept."""
    import platformdirs

    return platformdirs.user_config_path("vend") / "config.toml"


def state_folder() -> Path:
    """Return where sign-ins are kept."""
    import platformdirs

    return platformdirs.user_state_path("vend") / "sign-ins"


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"vend: {text}\n")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command runs: its environment, its files, and how it warns."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config_file: Path = field(default_factory=config_file)
    state_folder: Path = field(default_factory=state_folder)
    warn: Callable[[str], None] = _to_stderr
    read_stdin: Callable[[], str] = lambda: sys.stdin.read(64 * 1024)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was said on the command line or to `connect`; None means: not said."""

    gateway: str | None = None
    profile: str | None = None
    token_file: str | None = None
    insecure_http: bool = False


class Connection:
    """The profile, gateway and identity in force.  Nothing is read before it is asked for."""

    def __init__(self, choice: Choice | None = None, surroundings: Surroundings | None = None) -> None:
        self._choice = choice or Choice()
        self.surroundings = surroundings or Surroundings()
        self._config: Config | None = None
        self._identity: FoundToken | None = None

    @property
    def config(self) -> Config:
        """The content of the configuration file."""
        if self._config is None:
            self._config = profiles.load(self.surroundings.config_file)
        return self._config

    @property
    def profile_name(self) -> str:
        """The name of the profile in force."""
        said = self._choice.profile or self.surroundings.environ.get("VENDOR_PROFILE")
        return profiles.parse_profile_name(said) if said else self.config.default

    @property
    def profile(self) -> Profile:
        """The profile in force; an empty one if nothing is configured."""
        name = self.profile_name
        if name in self.config.profiles:
            return self.config.profiles[name]
        if self._choice.profile and not self.has_address:
            raise BadInput(f"There is no profile {name!r}.", remedy=f"Run 'vend login --profile {name} --gateway URL'.")
        return Profile()

    @property
    def has_address(self) -> bool:
        """Whether the gateway was named outside the profile."""
        return bool(self._choice.gateway or self.surroundings.environ.get("VENDOR_URL"))

    @property
    def insecure_http(self) -> bool:
        """Whether plain http to other machines was permitted; what a profile permits is for its own gateway only."""
        return self._choice.insecure_http or (not self.has_address and self.profile.insecure_http)

    @property
    def gateway(self) -> ServiceUrl:
        """The address of the gateway, checked."""
        said = self._choice.gateway or self.surroundings.environ.get("VENDOR_URL") or self.profile.gateway
        if not said:
            raise BadInput(
                "No gateway is named.", remedy="Say --gateway URL, set VENDOR_URL, or run 'vend login' once."
            )
        return parse_service_url(said, insecure_http=self.insecure_http)

    @property
    def sign_ins(self) -> SignIns:
        """The stored sign-ins."""
        return SignIns(self.surroundings.state_folder, vault=lambda: find_vault(self.surroundings.environ))

    def identity(self) -> FoundToken:
        """Return where the identity token comes from.  Looked for once: the standard input gives it once."""
        if self._identity is None:
            self._identity = self._find_identity()
        return self._identity

    def _find_identity(self) -> FoundToken:
        around = self.surroundings
        found = find_token(self._choice.token_file, around.environ, warn=around.warn, stdin=around.read_stdin)
        if found is not None:
            return found
        name, gateway = self.profile_name, self.gateway
        provide = provider_of(self.sign_ins, name, gateway, insecure_http=self.insecure_http)

        def refreshed() -> bool:
            kept = self.sign_ins.load(name)
            return kept is not None and (kept.in_vault or kept.refresh_token is not None)

        return FoundToken(f"the sign-in of profile {name!r}", provide, refreshed)

    def client(self, *, anonymous: bool = False) -> "Client":
        """Open a client."""
        from vendor.client.sync import Client

        token = None if anonymous else self.identity().provide
        return Client(self.gateway, token, insecure_http=self.insecure_http)

    def async_client(self) -> "AsyncClient":
        """Open an asynchronous client."""
        from vendor.client.aio import AsyncClient

        return AsyncClient(self.gateway, self.identity().provide, insecure_http=self.insecure_http)


def connect(
    gateway: str | None = None,
    *,
    profile: str | None = None,
    token_file: str | None = None,
    insecure_http: bool = False,
) -> "Client":
    """Open a client for the gateway and identity that `vend` would use."""
    return Connection(Choice(gateway, profile, token_file, insecure_http)).client()


def connect_async(
    gateway: str | None = None,
    *,
    profile: str | None = None,
    token_file: str | None = None,
    insecure_http: bool = False,
) -> "AsyncClient":
    """Open an asynchronous client for the gateway and identity that `vend` would use."""
    return Connection(Choice(gateway, profile, token_file, insecure_http)).async_client()
