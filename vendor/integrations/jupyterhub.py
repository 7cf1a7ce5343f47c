"""Leases for JupyterHub: what a server gets when it starts, and what ends when it stops.

The server gets the gateway's address and a file with the token of a renewable lease, and finds its keys with that as a
container does; it never gets S3 keys, nor the person's own token.  In `jupyterhub_config.py`:

```python
from vendor.integrations.jupyterhub import install

c.LeaseHooks.gateway = "https://vendor.example.org"
install(c)
```
"""

import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from traitlets import Bool, Callable, Dict, Integer, List, Unicode
from traitlets.config import Config, LoggingConfigurable

from vendor.cli.environment import STALE, place_variables
from vendor.client import files, tokens
from vendor.client.answers import Vended
from vendor.client.errors import BadInput, ClientError, SignInNeeded, UnsafeFile
from vendor.integrations import secrets_of_pods
from vendor.integrations.exchange import Exchange, Wish
from vendor.integrations.spark import (
    EVENT_LOG_VARIABLE,
    GATEWAY_VARIABLE,
    TOKEN_FILE_VARIABLE,
    WAREHOUSE_VARIABLE,
)
from vendor.secret import LeaseToken, RawToken

DOOR: Final = "/v1/container-credentials"
_OURS: Final = (
    GATEWAY_VARIABLE,
    TOKEN_FILE_VARIABLE,
    WAREHOUSE_VARIABLE,
    EVENT_LOG_VARIABLE,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_SAFE: Final = re.compile(r"[^A-Za-z0-9.-]")


class SpawnRefused(Exception):
    """Why a server does not start; JupyterHub shows `jupyterhub_message` to the person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.jupyterhub_message = message


class LeaseHooks(LoggingConfigurable):
    """The hooks, and what can be configured."""

    gateway = Unicode(help="Address of the gateway.").tag(config=True)
    insecure_http = Bool(False, help="Permit plain http to a gateway on another machine.").tag(config=True)
    folder = Unicode(
        "lease-tokens", help="Folder of the hub for token files; made with mode 0700.  Keep it over restarts."
    ).tag(config=True)
    token_key = Unicode("access_token", help="Where in the auth state the person's token is.").tag(config=True)
    token_of: Any = Callable(
        None, allow_none=True, help="Called with the spawner and its auth state; returns the person's token."
    ).tag(config=True)
    actor_token_file = Unicode(
        "", help="File with the hub's own token, with which it acts for people at token exchange."
    ).tag(config=True)
    renewable_for = Integer(7 * 86400, help="Seconds for which a server's lease can be renewed.").tag(config=True)
    duration = Integer(None, allow_none=True, help="Seconds that each set of keys lasts.").tag(config=True)
    store = Unicode(None, allow_none=True, help="The store; none for the gateway's default.").tag(config=True)
    scopes = Dict(
        value_trait=List(),
        help="""What servers may touch, by profile or server name: {"gpu": [("s3://lake/x/", "read")]}.

        "{username}" in a path stands for the person.  What is not named gets `default`, or else all that is granted.
        """,
    ).tag(config=True)
    required = Bool(True, help="Whether a server without a lease does not start.").tag(config=True)

    async def pre_spawn_hook(self, spawner: Any) -> None:
        """Get a lease for a server that is about to start."""
        await self._end(spawner)  # of a server that died with the hub
        try:
            await self._begin(spawner)
        except ClientError as error:
            remedy = getattr(error, "remedy", None)
            message = f"No keys for your data: {error}" + (f" {remedy}" if remedy else "")
            self.log.warning("No lease for %s: %s", spawner._log_name, error)
            if self.required:
                raise SpawnRefused(message) from None

    async def auth_state_hook(self, spawner: Any, auth_state: Mapping[str, Any] | None) -> None:
        """Note the auth state for the hook above.  Needed only where the spawner cannot ask for it itself."""
        spawner.vend_auth_state = auth_state

    async def post_stop_hook(self, spawner: Any) -> None:
        """End the lease of a server that has stopped, or was culled."""
        await self._end(spawner)

    async def _begin(self, spawner: Any) -> None:
        subject = await self._subject(spawner)
        actor = tokens.read_token_file(Path(self.actor_token_file), self.log.warning) if self.actor_token_file else None
        async with Exchange(self.gateway, insecure_http=self.insecure_http) as exchange:
            held = await exchange.lease(subject, self._wish(spawner), actor)
            try:
                homes = await exchange.homes(subject, held.lease.principal)
                place = await self._hand_over(spawner, held)
            except BaseException:
                if held.lease_token is not None:
                    await exchange.revoke(held.lease_token)  # nobody would end it
                raise
            for name in STALE:
                spawner.environment.pop(name, None)
            spawner.environment.update(self._variables(exchange.gateway, held, place, homes))
        self.log.info("Lease %s for %s", held.lease.id, spawner._log_name)

    async def _subject(self, spawner: Any) -> RawToken:
        state = getattr(spawner, "vend_auth_state", None) or await spawner.user.get_auth_state()
        find = self.token_of or (lambda _spawner, state: (state or {}).get(self.token_key))
        found = find(spawner, state)
        if not found:
            raise SignInNeeded(
                "the hub holds no token of yours.",
                remedy="Sign in again; the operator enables it with Authenticator.enable_auth_state.",
            )
        return tokens.parse_token(str(found), "the auth state")

    def _wish(self, spawner: Any) -> Wish:
        profile = (spawner.user_options or {}).get("profile", "")
        named = next((self.scopes[name] for name in (profile, spawner.name, "default") if name in self.scopes), ())
        try:
            scope = [(path.replace("{username}", spawner.user.name), access) for path, access in named]
        except (TypeError, ValueError, AttributeError):
            raise BadInput("LeaseHooks.scopes holds lists of pairs of path and access.") from None
        context = {"client": "jupyterhub", "server": spawner._log_name[:512]}
        return Wish(scope, self.duration, self.renewable_for, self.store, context)

    async def _hand_over(self, spawner: Any, held: Vended) -> str:
        """Put the token where the server finds it, and return where that is."""
        assert held.lease_token is not None  # noqa: S101 - Exchange.lease gives none without
        file = self._file(spawner)
        files.write_private(file, held.lease_token.reveal().encode())  # no newline: some SDKs would send it along
        if secrets_of_pods.is_kubernetes(spawner):
            return await secrets_of_pods.put(spawner, held.lease_token)
        _give_to(spawner, file)
        return str(file.absolute())

    def _variables(self, gateway: str, held: Vended, place: str, homes: Mapping[str, str]) -> dict[str, str]:
        variables = {
            GATEWAY_VARIABLE: gateway,
            TOKEN_FILE_VARIABLE: place,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": gateway + DOOR,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": place,
            **place_variables(held.endpoint),
        }
        told = {WAREHOUSE_VARIABLE: homes.get("sql"), EVENT_LOG_VARIABLE: homes.get("general")}
        return variables | {name: folder for name, folder in told.items() if folder}

    async def _end(self, spawner: Any) -> None:
        """End the lease and remove the token.  The gateway being away is worth a warning: the lease ends by itself."""
        file = self._file(spawner)
        try:
            token = _kept_token(file)
        except ClientError as error:
            self.log.warning("The lease of %s is left to end by itself: %s", spawner._log_name, error)
            token = None
        try:
            if token is not None:
                async with Exchange(self.gateway, insecure_http=self.insecure_http) as exchange:
                    await exchange.revoke(token)
        except ClientError as error:
            self.log.warning("The lease of %s could not be ended: %s", spawner._log_name, error)
        files.remove_private(file)
        for name in _OURS:
            spawner.environment.pop(name, None)
        if secrets_of_pods.is_kubernetes(spawner):
            await secrets_of_pods.remove(spawner)

    def _file(self, spawner: Any) -> Path:
        # "@" is in no part as written here, so no name of a server makes the file that of another person's.
        name = "@".join(_SAFE.sub(_escaped, part) for part in (spawner.user.name, spawner.name or ""))
        return Path(self.folder).absolute() / f"{name}.token"


def _escaped(found: re.Match[str]) -> str:
    return f"_{found[0].encode().hex()}"


def _kept_token(file: Path) -> LeaseToken | None:
    """Return the token in a file of ours, None if there is none (any more).  Raises UnsafeFile, SignInNeeded."""
    if os.geteuid() != 0:
        content = files.read_private(file)
    else:  # it was given to the person whose server reads it
        try:
            with files.opened(file) as (opened, _):
                content = opened.read(tokens.MAX_TOKEN_BYTES + 1)
        except FileNotFoundError:
            content = None
        except OSError as error:
            raise UnsafeFile(f"{file} cannot be used ({error.strerror}).") from None
    if content is None:
        return None
    return LeaseToken(tokens.parse_token(content.decode("ascii", "replace"), str(file)).reveal())


def _give_to(spawner: Any, file: Path) -> None:
    """Give a file to the account that the server runs as, where the hub is root and the server is not."""
    if os.geteuid() != 0 or getattr(spawner, "user", None) is None:
        return
    try:
        account = pwd.getpwnam(spawner.user.name)
    except KeyError:
        return
    file.parent.chmod(0o711)  # to be passed through, not to be listed
    os.chown(file, account.pw_uid, account.pw_gid)


def install(config: Config, **options: Any) -> LeaseHooks:
    """Hang the hooks into a hub's configuration, and let the hub keep and refresh people's tokens."""
    hooks = LeaseHooks(config=config, **options)
    if not hooks.gateway:
        raise BadInput("LeaseHooks.gateway is not set.")
    config.Spawner.pre_spawn_hook = hooks.pre_spawn_hook
    config.Spawner.post_stop_hook = hooks.post_stop_hook
    config.Authenticator.enable_auth_state = True
    config.Authenticator.refresh_pre_spawn = True  # a token that is about to end would get no lease
    return hooks
