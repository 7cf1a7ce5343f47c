"""What a verified token has to say for itself before it is believed: one function per demand of the RFCs.

All of them are pure.  `CHECKS` is the whole list, in the order in which they are made; a refusal names the demand in
its details (`reason`), which is what tests and operators go by.
"""

from collections.abc import Callable, Mapping

from vendor.errors import ExpiredToken, InvalidToken, RoleRequired
from vendor.identity.jws import VerifiedClaims
from vendor.identity.trust_shape import Issuer, TokenKind

MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core, section 2
_MAX_TIME = 2**40  # seconds; far beyond every date that makes sense, small enough for every clock function
# What payloads call tokens that were never meant to be shown to a service.
_OTHER_USES = frozenset({"refresh", "offline", "logout", "dpop", "serialized-id"})


def refused(reason: str, message: str) -> InvalidToken:
    """Return the refusal of a token, with a stable reason beside the sentence."""
    return InvalidToken(message, details={"reason": reason})


def check_claims(issuer: Issuer, typ: str | None, claims: VerifiedClaims, now: float) -> None:
    """Hold `claims` against every demand of `issuer`.  `typ` is that of the token's header."""
    for check in CHECKS:
        check(issuer, typ, claims, now)


def check_issuer(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The key and the rules used were those of the issuer that the token names; anything else is our own fault."""
    if claims.get("iss") != issuer.url:
        raise refused("iss", "The token's issuer is not the one whose key was used.")


def check_type(issuer: Issuer, typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The token is of a kind that this issuer is trusted for (RFC 8725, 3.11)."""
    if _other_use(claims) or not any(_KINDS[kind](typ, claims) for kind in issuer.tokens):
        raise refused("type", f"The token is not of a kind accepted from this issuer ({', '.join(issuer.tokens)}).")


def check_audience(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The token was issued for this gateway, and for nobody that the operator has not named."""
    named = _audiences(claims)
    if not named or not all(isinstance(name, str) for name in named):
        raise refused("aud", "The token has no audience.")
    accepted = set(issuer.audiences)
    if not accepted.intersection(named) or not accepted.union(issuer.tolerated_audiences).issuperset(named):
        raise refused("aud", "The token is for another audience.")


def check_times(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, now: float) -> None:
    """The token is of now: not expired, not of the future."""
    leeway = issuer.leeway_seconds
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires + leeway <= now:
        raise ExpiredToken("The token has expired.", details={"reason": "exp"})
    if "nbf" in claims and _time(claims, "nbf") > now + leeway:
        raise refused("nbf", "The token is not valid yet.")
    if issued > now + leeway:
        raise refused("iat", "The token was issued in the future.")


def check_lifetime(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, now: float) -> None:
    """The token does not live longer than the operator allows, counted from its issue and from now."""
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    longest = issuer.max_token_seconds
    if expires <= issued or expires - issued > longest or expires - now > longest + issuer.leeway_seconds:
        raise refused("lifetime", f"The token's lifetime is not within the {longest} seconds accepted.")


def check_subject(_issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The token is about somebody, by a name that can be recorded."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise refused("sub", "The token has no usable subject.")


def check_confirmation(_issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """A token that is bound to a key or certificate (RFC 9449, RFC 8705) needs a proof that no door here can carry."""
    if "cnf" in claims:
        raise refused("cnf", "The token is bound to a key, and the request proves no possession of it.")


def check_client(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The token was given to a client that may bring it here.  An ID token's client is its audience, too."""
    named = [claims[name] for name in ("azp", "client_id") if name in claims]
    if issuer.clients is not None:
        accepted, named = issuer.clients, named or [name for name in _audiences(claims) if name in issuer.audiences]
    elif issuer.any_client or "workload" in issuer.tokens:
        return
    else:
        accepted = issuer.audiences
    if any(name not in accepted for name in named):
        raise RoleRequired(
            "The token was issued to a client that is not accepted here.",
            remedy="Sign in through a client that the operator has named.",
            details={"reason": "client"},
        )


def check_required(issuer: Issuer, _typ: str | None, claims: VerifiedClaims, _now: float) -> None:
    """The conditions that the operator set for every token of this issuer."""
    for condition in issuer.require:
        if problem := condition.why_not(claims):
            raise refused("require", f"The token does not meet what is demanded of this issuer's: {problem}.")


Check = Callable[[Issuer, str | None, VerifiedClaims, float], None]
CHECKS: tuple[Check, ...] = (
    check_issuer,
    check_type,
    check_audience,
    check_times,
    check_lifetime,
    check_subject,
    check_confirmation,
    check_required,
    check_client,
)


def _audiences(claims: Mapping[str, object]) -> list[object]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience] if audience is not None else []


def _time(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < _MAX_TIME:  # a bool is an int, and a float is a rounding away
        raise refused(name, f"The token's {name} is not a time in whole seconds.")
    return value


def _other_use(claims: Mapping[str, object]) -> bool:
    """Refresh, logout and other tokens are signed with the same keys, often with the same `typ` and audience."""
    uses = {str(claims.get(name, "")).lower() for name in ("token_use", "token_type", "typ")}
    return bool(uses & _OTHER_USES) or "events" in claims


def _says(claims: Mapping[str, object], name: str, *values: str) -> bool:
    """Say whether the claim, if there is one, has one of `values`."""
    return name not in claims or claims[name] in values


def _is_id_token(typ: str | None, claims: Mapping[str, object]) -> bool:
    said = _says(claims, "token_use", "id") and _says(claims, "typ", "ID")
    return typ in (None, "jwt") and said and not {"scope", "scp", "client_id"}.intersection(claims)


def _is_access_token(typ: str | None, claims: Mapping[str, object]) -> bool:
    texts = (claims.get("client_id"), claims.get("jti"))
    return typ == "at+jwt" and all(isinstance(text, str) and text for text in texts)


def _is_plain_access_token(typ: str | None, claims: Mapping[str, object]) -> bool:
    said = _says(claims, "token_use", "access") and _says(claims, "typ", "Bearer")
    return typ in (None, "jwt", "at+jwt") and said and "at_hash" not in claims


def _is_workload_token(typ: str | None, _claims: Mapping[str, object]) -> bool:
    return typ in (None, "jwt")


_KINDS: Mapping[TokenKind, Callable[[str | None, Mapping[str, object]], bool]] = {
    "id": _is_id_token,
    "access": _is_access_token,
    "plain-access": _is_plain_access_token,
    "workload": _is_workload_token,
}
