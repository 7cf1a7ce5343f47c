"""From verified claims to a principal: the first rule of the issuer whose conditions all hold.

Pure: what it returns says of every rule whether it matched and why not, which is what `vendor trust check` prints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from vendor.errors import InvalidName, RoleRequired, UnusableName
from vendor.identity.assurance import BREAK_GLASS
from vendor.identity.conditions import MISSING, ClaimPath, claim, full_match, shown
from vendor.identity.names_owned import NameSpaces
from vendor.identity.principal import ActsFor, Assurance, Principal, PrincipalKind
from vendor.identity.roles import check_required_roles, is_admin, listed
from vendor.identity.trust_shape import Issuer, Rule, Source
from vendor.names import UserName, parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Ask, Level


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Whether one rule's conditions hold; `problems` are those that do not."""

    rule: Rule
    problems: tuple[str, ...]

    @property
    def matched(self) -> bool:
        """All conditions hold."""
        return not self.problems


def judge(issuer: Issuer, claims: Mapping[str, object]) -> tuple[RuleVerdict, ...]:
    """Hold every rule against `claims`."""
    return tuple(
        RuleVerdict(rule, tuple(filter(None, (condition.why_not(claims) for condition in rule.when))))
        for rule in issuer.rules
    )


def deciding_rule(verdicts: Sequence[RuleVerdict]) -> Rule:
    """Return the first enforced rule that matched.  Raises RoleRequired if there is none."""
    for verdict in verdicts:
        if verdict.matched and verdict.rule.mode == "enforce":
            return verdict.rule
    raise RoleRequired(
        "The token is genuine, but no rule of this gateway admits it.",
        remedy="Ask the operator which groups or claims are admitted (policies/trust.toml).",
        details={"reason": "no_rule"},
    )


def principal_by(
    issuer: Issuer, rule: Rule, claims: Mapping[str, object], assurance: Assurance, spaces: NameSpaces
) -> Principal:
    """Return the principal that `rule` makes of `claims`.  Raises UnusableName or RoleRequired."""
    roles = listed(claims, issuer.roles)
    check_required_roles(issuer, roles)
    name = UserName(rule.as_) if rule.as_ is not None else _claimed_name(issuer, rule, claims, spaces)
    if rule.tenant is not None and is_admin(issuer, roles):
        raise RoleRequired(
            f"The rule {rule.name} lets this token act for a tenant, but its roles make an administrator of it.",
            remedy="Take the administrator's role from this account, or sign in with another one.",
            details={"reason": "admin_acts_for"},
        )
    expires = claims["exp"]
    assert isinstance(expires, int)  # noqa: S101  the claims have been checked
    return Principal(
        name=name,
        kind=PrincipalKind(rule.kind),
        issuer=issuer.url,
        subject=str(claims["sub"]),
        expires_at=float(expires),
        roles=roles,
        groups=listed(claims, issuer.groups),
        admin=is_admin(issuer, roles),
        display_name=_profile_text(claims, "name"),
        email=_profile_text(claims, "email"),
        break_glass=assurance.level == BREAK_GLASS,
        assurance=assurance,
        trusted_by=issuer.name,
        rule=rule.name,
        may_act_for=frozenset(rule.may_act_for),
        **bounds_of(issuer, rule, break_glass=assurance.level == BREAK_GLASS),
    )


class Bounds(TypedDict):
    """What a rule sets of its principals, whatever their token says."""

    has_home: bool
    max_lease_seconds: int | None
    acts_for: ActsFor | None
    max_scope: tuple[Ask, ...] | None


def bounds_of(issuer: Issuer, rule: Rule, *, break_glass: bool) -> Bounds:
    """Return for whom, where and for how long the principals of a rule may act."""
    return {
        "has_home": _has_home(rule),
        "max_lease_seconds": _longest_lease(issuer, rule, break_glass=break_glass),
        "acts_for": ActsFor(parse_tenant_name(rule.tenant), Access(rule.access)) if rule.tenant else None,
        "max_scope": _scope(rule),
    }


def principal_name(text: str, source: Source, spaces: NameSpaces) -> UserName:
    """Return the principal's name for a user whom `source` calls `text`.  Raises UnusableName.

    There is one rule for all spellings: what is not a name of the layout's is refused.  Folding is left to entries
    that say `lower_case`, because only their operator knows that two spellings are one user there.
    """
    name = source.prefix + (text.lower() if source.lower_case and text.isascii() else text)
    try:
        parsed = parse_user_name(name)
    except InvalidName as problem:
        raise UnusableName(problem.message, details={"reason": "name"}) from None
    if said := spaces.problem(parsed, source):
        raise UnusableName(f"The name {parsed!r} {said}.", details={"reason": "name_owned"})
    return parsed


def _claimed_name(issuer: Issuer, rule: Rule, claims: Mapping[str, object], spaces: NameSpaces) -> UserName:
    path = rule.name_claim if rule.name_claim is not None else issuer.user
    value = claim(claims, path)
    if not isinstance(value, str):
        text = f"The token's {shown(path)}, which names the user, is {'missing' if value is MISSING else 'not a text'}."
        raise UnusableName(text, details={"reason": "name"})
    if _is_email(path) and claims.get("email_verified") is not True:
        raise RoleRequired(
            "The token names the user by an e-mail address that has not been verified.",
            remedy="Confirm the address at the identity provider, then sign in again.",
            details={"reason": "email_verified"},
        )
    return principal_name(_extracted(rule, path, value), issuer, spaces)


def _is_email(path: ClaimPath) -> bool:
    return (path if isinstance(path, str) else path[-1]) == "email"


def _extracted(rule: Rule, path: ClaimPath, value: str) -> str:
    if rule.name_pattern is None:
        return value
    match = full_match(rule.name_pattern, value)
    if match is None:
        raise UnusableName(f"The token's {shown(path)} does not match this rule's pattern.", details={"reason": "name"})
    parts = [part or "" for part in match.groups()] or [value]
    if len(parts) > 1 and any("." in part or not part for part in parts):
        # "a.b" + "c" and "a" + "b.c" would be one name
        raise UnusableName(f"A part of the token's {shown(path)} is empty or has a dot.", details={"reason": "name"})
    return ".".join(parts)


def _has_home(rule: Rule) -> bool:
    default = rule.kind == "user" and rule.tenant is None
    return default if rule.home is None else rule.home


def _longest_lease(issuer: Issuer, rule: Rule, *, break_glass: bool) -> int | None:
    limits = [limit for limit in (issuer.max_lease_seconds, rule.max_lease_seconds) if limit is not None]
    if break_glass and issuer.break_glass is not None:
        limits.append(issuer.break_glass.max_lease_seconds)
    return min(limits, default=None)


def _scope(rule: Rule) -> tuple[Ask, ...] | None:
    if rule.scope is None:
        return None
    return tuple(Ask(parse_s3_path(entry.path), Level(entry.access)) for entry in rule.scope)


def _profile_text(claims: Mapping[str, object], name: str) -> str | None:
    """Return a claim that is only ever shown to people, if it is fit for that."""
    value = claims.get(name)
    return value if isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable() else None
