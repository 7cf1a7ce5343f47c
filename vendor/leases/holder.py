"""The holder of a lease as it is kept for renewals: what the trust rules made of the token that began it.

No role and no administrator's right is kept: a lease token renews keys to data, and opens nothing else.
"""

import json
from typing import Any

from vendor.errors import StateUnavailable, VendError
from vendor.identity.principal import ActedBy, ActsFor, Principal, PrincipalKind
from vendor.leases.lease import LeaseAsk
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name
from vendor.policy.grant import Access, Ask, Level


def holder_text(principal: Principal) -> str:
    """Return the stored form of a principal."""
    return json.dumps(
        {
            "name": principal.name,
            "kind": str(principal.kind),
            "issuer": principal.issuer,
            "subject": principal.subject,
            "has_home": principal.has_home,
            "max_lease_seconds": principal.max_lease_seconds,
            "acts_for": [principal.acts_for.tenant, str(principal.acts_for.access)] if principal.acts_for else None,
            "max_scope": None if principal.max_scope is None else [_entry(ask) for ask in principal.max_scope],
            "break_glass": principal.break_glass,
            **_acted_by_members(principal.acted_by),
            "trusted_by": principal.trusted_by,
            "rule": principal.rule,
        }
    )


def parse_holder(text: str, *, until: float) -> Principal:
    """Read a principal back; its identity is good until the lease's own end.  Raises StateUnavailable."""
    try:
        kept: dict[str, Any] = json.loads(text)
        acts_for, max_scope = kept["acts_for"], kept["max_scope"]
        return Principal(
            name=parse_user_name(kept["name"]),
            kind=PrincipalKind(kept["kind"]),
            issuer=kept["issuer"],
            subject=kept["subject"],
            expires_at=until,
            has_home=bool(kept["has_home"]),
            max_lease_seconds=kept["max_lease_seconds"],
            acts_for=ActsFor(parse_tenant_name(acts_for[0]), Access(acts_for[1])) if acts_for else None,
            max_scope=None if max_scope is None else tuple(_ask(entry) for entry in max_scope),
            break_glass=bool(kept["break_glass"]),
            trusted_by=kept["trusted_by"],
            rule=kept["rule"],
            acted_by=_acted_by(kept.get("acted_by"), kept.get("acted_by_rule")),
        )
    except (ValueError, KeyError, TypeError, VendError) as problem:
        raise StateUnavailable("The stored holder of this lease cannot be read.") from problem


def ask_text(ask: LeaseAsk) -> str:
    """Return the stored form of an ask."""
    return json.dumps(
        {
            "scope": None if ask.scope is None else [_entry(one) for one in ask.scope],
            "duration": ask.duration,
            "store": ask.store,
            "audit_context": dict(ask.audit_context or {}),
            "policy": ask.policy,
            "at_most": None if ask.at_most is None else str(ask.at_most),
        }
    )


def parse_ask(text: str) -> LeaseAsk:
    """Read an ask back, for a renewal: what is no longer granted is left out.  Raises StateUnavailable."""
    try:
        kept: dict[str, Any] = json.loads(text)
        scope = None if kept["scope"] is None else tuple(_ask(entry) for entry in kept["scope"])
        return LeaseAsk(
            scope=scope,
            duration=kept["duration"],
            store=kept["store"],
            partial=True,
            audit_context=kept["audit_context"],
            policy=kept.get("policy"),
            at_most=Level(kept["at_most"]) if kept.get("at_most") else None,
        )
    except (ValueError, KeyError, TypeError, VendError) as problem:
        raise StateUnavailable("What this lease was asked for cannot be read.") from problem


def _acted_by_members(actor: ActedBy | None) -> dict[str, list[str | None] | None]:
    if actor is None:
        return {"acted_by": None}
    return {
        "acted_by": [actor.name, actor.issuer, actor.subject],
        "acted_by_rule": [str(actor.kind), actor.trusted_by, actor.rule],
    }


def _acted_by(kept: list[str] | None, rule: list[str] | None) -> ActedBy | None:
    """Read an actor back.  One without its rule, from before rules were kept, is trusted by none."""
    if kept is None:
        return None
    name, issuer, subject = kept
    if rule is None:
        return ActedBy(parse_user_name(name), issuer, subject)
    kind, trusted_by, named = rule
    return ActedBy(parse_user_name(name), issuer, subject, PrincipalKind(kind), trusted_by, named)


def _entry(ask: Ask) -> list[str]:
    return [ask.path.text, str(ask.level)]


def _ask(entry: list[str]) -> Ask:
    path, level = entry
    return Ask(parse_s3_path(path), Level(level))
