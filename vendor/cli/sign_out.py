"""`vend logout`: end the leases, and the sign-in here and at the identity provider."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vendor.cli import screen
from vendor.cli.options import Json, command
from vendor.client import live
from vendor.client.answers import IssuerHint, Reader
from vendor.client.connection import Connection
from vendor.client.errors import ClientError, SignInNeeded
from vendor.client.signin import SignIn, provider_of
from vendor.secret import Secret
from vendor.times import rfc3339

if TYPE_CHECKING:
    from vendor.client.sync import Client

EndLeases = Annotated[
    bool | None,
    typer.Option(
        "--end-leases/--keep-leases",
        help="End all your live leases, wherever they are used, or none. Default: end them, as far as that works.",
    ),
]


@command
def logout(connection: Connection, end_leases: EndLeases = None, as_json: Json = False) -> None:
    """End your leases, and the sign-in of the profile here and at the identity provider."""
    sign_ins, name = connection.sign_ins, connection.profile_name
    ended: _Ended | None = None
    if end_leases:  # said: so it has to work, with whatever identity is in force
        with connection.client() as client:
            ended = _end_leases(client)
    try:
        sign_in = sign_ins.load(name)
        if end_leases is None:
            ended = _try_to_end_leases(connection, sign_in)
        refresh_token = sign_ins.refresh_token(name, sign_in) if sign_in is not None else None
    except SignInNeeded:  # damaged, unsafe or locked away: nothing of it is used, but it is removed
        sign_in = refresh_token = None
    removed = sign_ins.remove(name)
    at_provider = None
    if sign_in is not None and sign_in.provider is not None and refresh_token is not None:
        at_provider = _end_at_provider(connection, sign_in.provider, refresh_token)
    if as_json:
        said = {"profile": name, "signed_out": removed, "leases_ended": ended is not None}
        screen.out_json({**said, "keys_until": ended and ended.keys_until, "ended_at_provider": at_provider})
        return
    if ended is not None:
        when = f"at latest at {ended.keys_until}" if ended.keys_until else "now"
        screen.say(f"All your leases are ended; their keys are dead {when}.")
    screen.say(f"Signed out of profile {name!r}." if removed else f"Profile {name!r} was not signed in.")


@dataclass(frozen=True, slots=True)
class _Ended:
    """What became of the leases: all are ended, but the keys of some may go on until then."""

    keys_until: str | None


def _end_leases(client: "Client") -> _Ended:
    answer = client.run(live.revoke_all(client.whoami().principal))
    left = [entry.time("at_latest") for entry in Reader(answer).objects("leases") if entry.text("effective") != "now"]
    return _Ended(rfc3339(max(left)) if left else None)


def _try_to_end_leases(connection: Connection, sign_in: SignIn | None) -> _Ended | None:
    """End the leases of the sign-in that is about to end.  It ends all the same when that does not work."""
    from vendor.client.sync import Client

    if sign_in is None:
        return None
    try:
        provide = provider_of(
            connection.sign_ins, connection.profile_name, sign_in.gateway, insecure_http=connection.insecure_http
        )
        with Client(sign_in.gateway, provide, insecure_http=connection.insecure_http) as client:
            return _end_leases(client)
    except ClientError as error:
        screen.warn(f"your leases could not be ended ({error}); they run out by themselves.")
        return None


def _end_at_provider(connection: Connection, hint: IssuerHint, refresh_token: Secret) -> bool:
    from vendor.client.oidc import Provider

    try:
        with Provider(hint, insecure_http=connection.insecure_http) as provider:
            ended = provider.revoke(refresh_token)
    except ClientError as error:
        ended, why = False, f" ({error})"
    else:
        why = ""
    if not ended:
        screen.warn(f"the sign-in at {hint.issuer} could not be ended there{why}; it runs out by itself.")
    return ended
