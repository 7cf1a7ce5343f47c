"""`vend login` and `vend whoami`."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import screen
from vendor.cli.options import Json, command
from vendor.client import profiles
from vendor.client.answers import IssuerHint, SignInHints, WhoAmI
from vendor.client.connection import Connection
from vendor.client.errors import BadInput, ClientError, SignInNeeded
from vendor.client.profiles import Profile
from vendor.client.signin import SignIn, expiry
from vendor.client.tokens import KBASE_VARIABLES, TOKEN_VARIABLES, fixed, parse_token
from vendor.times import rfc3339

if TYPE_CHECKING:
    from vendor.client.oidc import Provider, Tokens

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="Keep this OIDC or KBase token; '-' reads it from the standard input, where 'ps' does not show it.",
    ),
]
Issuer = Annotated[str | None, typer.Option("--issuer", metavar="URL", help="Sign in at this identity provider.")]
ClientId = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="Our name at that provider.")]
Device = Annotated[
    bool | None,
    typer.Option(
        "--device/--browser",
        help="Confirm a code on any machine, or use the browser of this one. Default: the browser where there is one.",
    ),
]


@command
def login(
    connection: Connection,
    token: Token = None,
    issuer: Issuer = None,
    client_id: ClientId = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Sign in, and remember the gateway and the sign-in under the profile.

    With the browser of this machine, with a code confirmed on any other, or with a token that you have.
    """
    if token is not None and (issuer or client_id or device is not None):
        raise BadInput("--token stands alone: it is already the proof of who you are.")
    gateway = connection.gateway
    candidates = (
        [_given(connection, token)] if token is not None else _at_provider(connection, issuer, client_id, device)
    )
    sign_in, who = _accepted(connection, candidates)
    kept = connection.sign_ins.save(connection.profile_name, sign_in)
    if kept.refresh_token is not None:
        where = connection.sign_ins.path(connection.profile_name)
        screen.warn(f"there is no system keyring in use, so the sign-in lies in {where}, which only you can read.")
    _remember(connection, issuer, client_id)
    _warn_of_other_tokens(connection)
    ends = rfc3339(sign_in.expires_at) if sign_in.expires_at and not sign_in.refresh_token else None
    if as_json:
        said = {"principal": who.principal, "gateway": gateway, "profile": connection.profile_name}
        screen.out_json({**said, "expires_at": ends, "refresh_token_in_keyring": kept.in_vault})
    else:
        screen.say(f"Signed in as {who.principal} at {gateway}{f' until {ends}' if ends else ''}.")


def _given(connection: Connection, token: str) -> SignIn:
    if token == "-":  # noqa: S105 - the usual name of the standard input
        if sys.stdin.isatty():
            import getpass

            raw = parse_token(getpass.getpass("Token: "), "the prompt")
        else:
            raw = parse_token(connection.surroundings.read_stdin(), "the standard input")
    else:
        screen.warn("a token on the command line can be seen by others on this machine; '--token -' reads it safely.")
        raw = parse_token(token, "--token")
    return SignIn(connection.gateway, raw, expiry(raw, None))


def _at_provider(
    connection: Connection, issuer: str | None, client_id: str | None, device: bool | None
) -> list[SignIn]:
    from vendor.client.oidc import Provider  # only now: Authlib is slow to import

    hint = choose_issuer(connection, issuer, client_id)
    with Provider(hint, insecure_http=connection.insecure_http) as provider:
        if device is None:
            device = not has_browser(connection.surroundings.environ) or not provider.endpoint("authorization_endpoint")
        tokens = _by_device(provider) if device else _by_browser(provider)
    return [
        SignIn(
            connection.gateway, token, expiry(token, tokens.expires_in), replace(hint, token=kind), tokens.refresh_token
        )
        for kind, token in tokens.found.items()
    ]


def _by_device(provider: "Provider") -> "Tokens":
    prompt = provider.begin_device()
    screen.say(f"Open {prompt.verification_uri_complete or prompt.verification_uri}")
    screen.say(f"and confirm the code {prompt.user_code}")
    return provider.finish_device(prompt)


def _by_browser(provider: "Provider") -> "Tokens":
    from vendor.client import browser

    def show(url: str) -> None:
        screen.say(f"Sign in with your browser. If it does not open, go to {url}")
        open_browser(url)

    return browser.sign_in(provider, show=show)


def open_browser(url: str) -> None:
    """Open a page; a browser that cannot be started is no error, the address was shown."""
    import webbrowser

    with suppress(webbrowser.Error, OSError):
        webbrowser.open(url)


def has_browser(environ: Mapping[str, str]) -> bool:
    """Say whether a browser would open where the person sits."""
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def choose_issuer(connection: Connection, issuer: str | None, client_id: str | None) -> IssuerHint:
    """Return the identity provider to sign in at: as said, as the profile says, or the only one of the gateway."""
    issuer = issuer or connection.profile.issuer
    client_id = client_id or connection.profile.client_id
    if issuer and client_id:
        return IssuerHint(issuer, client_id, ("openid",))
    with connection.client(anonymous=True) as client:
        hints = client.sign_in_hints()
    fitting = [hint for hint in hints.issuers if issuer is None or hint.issuer.rstrip("/") == issuer.rstrip("/")]
    if len(fitting) == 1:
        only = fitting[0]
        return IssuerHint(only.issuer, client_id or only.client_id, only.scopes, only.token)
    raise _no_choice(hints, issuer)


def _no_choice(hints: SignInHints, issuer: str | None) -> ClientError:
    if issuer is not None:
        return BadInput(
            f"The gateway names no issuer {issuer[:120]!a}.", remedy="Say --client-id too if you know it is right."
        )
    if not hints.issuers:
        how = "Hand your KBase token in with 'vend login --token -'." if hints.kbase else "Ask its operator."
        return SignInNeeded("The gateway names no identity provider to sign in at.", remedy=how)
    known = ", ".join(hint.issuer for hint in hints.issuers)
    return BadInput("The gateway trusts several identity providers.", remedy=f"Choose one with --issuer: {known}")


def _accepted(connection: Connection, candidates: Sequence[SignIn]) -> tuple[SignIn, WhoAmI]:
    """Return the first sign-in whose token the gateway takes.  Providers issue two kinds; the gateway may take one."""
    from vendor.client.sync import Client

    refused: SignInNeeded | None = None
    for candidate in candidates:
        provide = fixed(candidate.token)
        with Client(connection.gateway, provide, insecure_http=connection.insecure_http) as client:
            try:
                return candidate, client.whoami()
            except SignInNeeded as error:
                refused = error
    raise refused or SignInNeeded("There is no token to sign in with.")


def _remember(connection: Connection, issuer: str | None, client_id: str | None) -> None:
    name = connection.profile_name
    before = connection.config.profiles.get(name, Profile())
    after = Profile(
        gateway=connection.gateway,
        issuer=issuer or before.issuer,
        client_id=client_id or before.client_id,
        store=before.store,
        insecure_http=connection.insecure_http,
    )
    if after != before:
        config = connection.config.with_profile(name, after)
        profiles.save(connection.surroundings.config_file, config)


def _warn_of_other_tokens(connection: Connection) -> None:
    for name in (*TOKEN_VARIABLES, *KBASE_VARIABLES):
        if connection.surroundings.environ.get(name):
            screen.warn(f"{name} is set and is used instead of this sign-in; unset it to use the sign-in.")
            return


@command
def whoami(connection: Connection, as_json: Json = False) -> None:
    """Show whom your token stands for at the gateway."""
    identity = connection.identity()
    with connection.client() as client:
        who = client.whoami()
    if as_json:
        screen.out_json(who.raw)
        return
    shown = {"principal": who.principal, "issuer": who.issuer, "admin": "yes" if who.admin else "no"}
    shown |= {name: ", ".join(values) for name, values in (("roles", who.roles), ("groups", who.groups)) if values}
    screen.facts(shown | {"gateway": client.gateway, "token from": identity.origin})
