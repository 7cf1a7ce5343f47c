"""Who exchanges a token: the subject, and whoever acts for it."""

from typing import Final

from starlette.requests import Request

from vendor.doors.context import gateway, origin
from vendor.doors.parameters import Parameters
from vendor.errors import InvalidRequest, InvalidToken, RoleRequired
from vendor.identity.acting import on_behalf
from vendor.identity.bearer import checked_token
from vendor.identity.principal import Principal
from vendor.leases.token import is_lease_token
from vendor.stewardship.caller import Caller

DOOR: Final = "oauth"
_TYPE: Final = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN: Final = f"{_TYPE}access_token"
_IDENTITY_TYPES: Final = frozenset({ACCESS_TOKEN, f"{_TYPE}id_token", f"{_TYPE}jwt"})
_JWT_TYPES: Final = _IDENTITY_TYPES - {ACCESS_TOKEN}


async def authenticated(request: Request, sent: Parameters) -> Caller:
    """Authenticate the subject, and the actor if one is named.  Raises what `_principal` does, and RoleRequired."""
    subject = await _principal(request, sent, "subject")
    if sent.get("actor_token") is not None:
        actor = await _principal(request, sent, "actor")
        subject = on_behalf(subject, actor)
        await _require_enabled(request, actor)
    elif sent.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_type: there is no actor_token.")
    return Caller(subject, origin(request, DOOR))


async def _require_enabled(request: Request, actor: Principal) -> None:
    """Raise RoleRequired for an actor whose account is disabled, and StateUnavailable.

    It becomes known here, so that there is an account to disable, or to delete.  The subject's is looked at where the
    lease is made.
    """
    user = (await gateway(request).users.standing(Caller(actor, origin(request, DOOR)))).user
    if user is not None and user.disabled:
        raise RoleRequired("The actor's account is disabled.", remedy="Ask an administrator to enable it again.")


async def _principal(request: Request, sent: Parameters, whose: str) -> Principal:
    """Authenticate the subject or the actor.  Raises InvalidRequest and what `Authenticator.authenticate` raises."""
    kind = sent.required(f"{whose}_token_type")
    if kind not in _IDENTITY_TYPES:
        raise InvalidRequest(f"{whose}_token_type: access tokens, ID tokens and JWTs are taken.")
    shown = checked_token(sent.required(f"{whose}_token"))
    if is_lease_token(shown):
        raise InvalidToken(f"{whose}_token: a lease token is no proof of identity.")
    if kind in _JWT_TYPES and "." not in shown.reveal():
        raise InvalidToken(f"{whose}_token: this is no JWT.")
    return await gateway(request).authenticator.authenticate(shown)
