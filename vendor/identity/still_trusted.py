"""Whether the trust file, as it is now, would still let somebody be who they were when their lease began.

The token is long gone, so the conditions of a rule cannot be tried again.  What can be is everything that the file
itself gives: that the entry and the rule are there and in force, that the name is still theirs to give, and for whom,
where and for how long its principals may act.  Those bounds count as they are now, wider or narrower.  Of a lease that
somebody began for another the same is asked of both.
"""

from dataclasses import replace
from typing import Final

from vendor.errors import LeaseEnded, RoleRequired
from vendor.identity.acting import on_behalf
from vendor.identity.principal import ActedBy, Principal, PrincipalKind
from vendor.identity.rules import bounds_of
from vendor.identity.trust import Trust
from vendor.identity.trust_shape import Issuer, Rule, Source

_REMEDY: Final = "Sign in again and ask for a new lease."


def still_trusted(principal: Principal, trust: Trust) -> Principal:
    """Return the principal with the bounds that the trust file sets now, its actor's included.

    Raises LeaseEnded if its entry or rule is gone, was put into audit mode, or is another one of the same name, and if
    any of that is so for its actor, or if that may not act for it any more.
    """
    present, _ = _present(principal, trust)
    return present if principal.acted_by is None else _still_acted_for(present, principal.acted_by, trust)


def _still_acted_for(subject: Principal, acted_by: ActedBy, trust: Trust) -> Principal:
    began = Principal(
        name=acted_by.name,
        kind=acted_by.kind,
        issuer=acted_by.issuer,
        subject=acted_by.subject,
        expires_at=subject.expires_at,
        trusted_by=acted_by.trusted_by,
        rule=acted_by.rule,
    )
    try:
        actor, rule = _present(began, trust)
    except LeaseEnded:
        raise _ended("whoever began it for its user is not trusted here any more") from None
    try:
        return on_behalf(subject, replace(actor, may_act_for=frozenset(rule.may_act_for if rule else ())))
    except RoleRequired:
        raise _ended("whoever began it may not act for its user any more") from None


def _present(principal: Principal, trust: Trust) -> tuple[Principal, Rule | None]:
    """Return the same of one principal for itself, and its rule if its entry has rules.  Raises LeaseEnded."""
    source = next((one for one in trust.sources if one.name == principal.trusted_by and one.mode == "enforce"), None)
    if source is None or source.url != principal.issuer:
        raise _ended("the issuer that this lease began with is not trusted here any more")
    if not isinstance(source, Issuer):
        present = replace(principal, max_lease_seconds=source.max_lease_seconds, max_scope=None)
        return _named(principal, source, trust, present), None
    rule = next((one for one in source.rules if one.name == principal.rule and one.mode == "enforce"), None)
    if rule is None:
        raise _ended("the rule that this lease began with is gone")
    if rule.kind != principal.kind or (principal.break_glass and source.break_glass is None):
        raise _ended("the rule that this lease began with lets nobody like this in any more")
    present = replace(
        principal, kind=PrincipalKind(rule.kind), **bounds_of(source, rule, break_glass=principal.break_glass)
    )
    return _fixed(rule, present) if rule.as_ is not None else _named(principal, source, trust, present), rule


def _fixed(rule: Rule, present: Principal) -> Principal:
    if rule.as_ != present.name:
        raise _ended("the rule that this lease began with gives another name now")
    return present


def _named(principal: Principal, source: Source, trust: Trust, present: Principal) -> Principal:
    if not principal.name.startswith(source.prefix) or trust.name_spaces().problem(principal.name, source):
        raise _ended("this name is not the issuer's to give any more")
    return present


def _ended(why: str) -> LeaseEnded:
    return LeaseEnded(f"This lease is over: {why}.", remedy=_REMEDY)
