"""Roles and groups: every one of the required roles is needed, any one of the admin roles makes an admin.

The same two rules hold for KBase's roles and for OIDC claims; admins need the required roles like everybody else.
"""

from collections.abc import Collection, Mapping

from vendor.errors import RoleRequired
from vendor.identity.conditions import MISSING, ClaimPath, claim, shown
from vendor.identity.trust_shape import Source

MAX_ENTRIES = 1000
MAX_ENTRY_LENGTH = 256


def check_required_roles(source: Source, roles: Collection[str]) -> None:
    """Raise RoleRequired unless `roles` holds every role that `source` requires."""
    if missing := [role for role in source.required_roles if role not in roles]:
        raise RoleRequired(
            f"These roles are required here and missing: {', '.join(missing)}.",
            remedy="Ask the operator of the identity provider for the role, then sign in again.",
            details={"reason": "required_roles", "required_roles": list(source.required_roles)},
        )


def is_admin(source: Source, roles: Collection[str]) -> bool:
    """Say whether one of `roles` makes an admin."""
    return any(role in roles for role in source.admin_roles)


def listed(claims: Mapping[str, object], path: ClaimPath | None) -> frozenset[str]:
    """Return the roles or groups in a claim; none if the token lacks the claim.

    Raises RoleRequired for a claim that cannot be what it should: guessing here would guess about access.
    """
    if path is None:
        return frozenset()
    value = claim(claims, path)
    if value is MISSING:
        _refuse_overage(claims, path)
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise _unreadable("malformed", f"The token's {shown(path)} is not a list of texts.")
    if len(value) > MAX_ENTRIES or any(len(entry) > MAX_ENTRY_LENGTH for entry in value):
        raise _unreadable("too_many", f"The token's {shown(path)} has more or longer entries than are accepted.")
    return frozenset(value)


def _refuse_overage(claims: Mapping[str, object], path: ClaimPath) -> None:
    """Some identity providers replace a long list by a pointer to ask elsewhere (OpenID Connect Core, 5.6.2)."""
    pointers = claims.get("_claim_names")
    top = path if isinstance(path, str) else path[0]
    if isinstance(pointers, Mapping) and top in pointers:
        raise _unreadable("overage", f"The token's {top} are too many for a token, and were left out of it.")


def _unreadable(reason: str, message: str) -> RoleRequired:
    remedy = (
        "Ask the operator of the identity provider to put fewer groups, or only those of this service, into tokens."
    )
    return RoleRequired(message, remedy=remedy, details={"reason": f"claim_{reason}"})
