"""The claims profile: which tenant, what kind of principal, and how surely the identity provider knows.

Nothing of it is demanded unless an issuer's `profile` says so, with one exception: a break-glass login is always
recognised, and admitted only where the trust file says how.
"""

from collections.abc import Mapping

from vendor.errors import RoleRequired
from vendor.identity.conditions import MISSING, claim
from vendor.identity.principal import Assurance
from vendor.identity.trust_shape import Issuer, Profile

BREAK_GLASS = "break_glass"
_LEVELS = ("aal0", "aal1", "aal2", "aal3")


def assurance_of(issuer: Issuer, claims: Mapping[str, object]) -> Assurance:
    """Return what the token says of its own assurance.  Raises RoleRequired when `issuer` demands more."""
    methods = claims.get("amr")
    found = Assurance(
        level=_text(claim(claims, ("assurance", "level"))),
        mfa=_mfa(claims, issuer.profile.mfa_methods if issuer.profile else ("mfa",)),
        methods=tuple(str(method)[:40] for method in methods[:10]) if isinstance(methods, list) else (),
        principal_type=_text(claims.get("principal_type", MISSING)),
        tenant=(_text(claims.get("tenant", MISSING)) or "").removeprefix("tenant:") or None,
    )
    if found.level == BREAK_GLASS and issuer.break_glass is None:
        raise _lacking("break_glass", "Break-glass logins of this issuer are not admitted.")
    if issuer.profile is not None:
        _check_profile(issuer.profile, found, claims)
    return found


def _check_profile(profile: Profile, found: Assurance, claims: Mapping[str, object]) -> None:
    if profile.tenants is not None and claims.get("tenant") not in {f"tenant:{name}" for name in profile.tenants}:
        raise _lacking("tenant", "The token's tenant is missing or not one of those admitted here.")
    if profile.principal_types is not None:
        if found.principal_type not in profile.principal_types:
            raise _lacking("principal_type", "The token's principal type is missing or not admitted here.")
        _check_principal_type(found.principal_type, claims)
    if profile.mfa and found.mfa is not True:
        raise _lacking("mfa", "The login was made without a second factor.")
    if profile.assurance is not None and found.level != BREAK_GLASS:
        level = found.level if found.level in _LEVELS else None
        if level is None or _LEVELS.index(level) < _LEVELS.index(profile.assurance):
            raise _lacking("assurance", f"The login's assurance is below {profile.assurance}.")


def _check_principal_type(kind: str | None, claims: Mapping[str, object]) -> None:
    """Every kind of principal has a claim that says which one it is."""
    complete = {
        "human": _text(claims.get("preferred_username", MISSING)),
        "service": _text(claims.get("azp", MISSING)) or _text(claims.get("client_id", MISSING)),
        "agent": _text(claim(claims, ("agent", "id")))
        and claim(claims, ("agent", "mode")) in ("autonomous", "delegated"),
    }
    if not complete.get(kind or ""):
        raise _lacking("principal_type", f"The token says {kind}, without the claims that belong to it.")


def _mfa(claims: Mapping[str, object], methods: tuple[str, ...]) -> bool | None:
    said = claim(claims, ("assurance", "mfa"))
    used = claims.get("amr")
    if said is True or (isinstance(used, list) and any(method in methods for method in used)):
        return True
    return False if said is False else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 1 <= len(value) <= 100 else None


def _lacking(reason: str, message: str) -> RoleRequired:
    remedy = "Sign in again in the way the message asks for, or ask the operator of the identity provider."
    return RoleRequired(message, remedy=remedy, details={"reason": reason})
