"""One who acts for another: a hub that asks for keys of the person whose notebook it starts.

Whom a principal may act for is said in the rule that admits it (`may_act_for`), and nowhere else; whoever is acted for
shows a token of their own as well.  What comes of it is within the bounds of both.
"""

from dataclasses import replace

from vendor.errors import RoleRequired
from vendor.identity.principal import ActedBy, Principal
from vendor.policy.grant import Ask
from vendor.policy.within import common


def on_behalf(subject: Principal, actor: Principal) -> Principal:
    """Return the subject as one for whom the actor acts.  Raises RoleRequired if the actor may not.

    Nothing is added to what the subject may do, and an actor's own limits hold as well.  Whether the actor has a home
    is none of them: keys are for the subject's.
    """
    _require_permitted(subject, actor)
    limits = [limit for limit in (subject.max_lease_seconds, actor.max_lease_seconds) if limit is not None]
    return replace(
        subject,
        max_lease_seconds=min(limits, default=None),
        max_scope=_within_both(subject.max_scope, actor.max_scope),
        acted_by=ActedBy(actor.name, actor.issuer, actor.subject, actor.kind, actor.trusted_by, actor.rule),
        admin=False,
    )


def _require_permitted(subject: Principal, actor: Principal) -> None:
    if subject.trusted_by is None or subject.trusted_by not in actor.may_act_for:
        raise RoleRequired(
            "The actor may not act for this user.",
            remedy="Ask the operator for `may_act_for` in the trust rule that admits the actor.",
            details={"reason": "may_act_for"},
        )
    if actor.acts_for is not None:
        # A tenant's members are people with rights of their own: there is no part of a user that is the tenant's.
        raise RoleRequired(
            "The actor acts for a tenant, and so for nobody else.",
            remedy="Ask the operator for a trust rule of the actor's without `tenant`; its `scope` can be the tenant's "
            "folders.",
            details={"reason": "acts_for"},
        )
    if actor.break_glass:
        raise RoleRequired(
            "A break-glass login acts for nobody else.",
            remedy="Show the actor's usual token.",
            details={"reason": "break_glass"},
        )


def _within_both(one: tuple[Ask, ...] | None, other: tuple[Ask, ...] | None) -> tuple[Ask, ...] | None:
    """Return what two limits both leave.  Raises RoleRequired if that is nothing: an empty limit is not to be had."""
    if one is None or other is None:
        return other if one is None else one
    both = common(one, other)
    if not both:
        raise RoleRequired(
            "The scopes of the user's and of the actor's trust rule have no path in common.",
            remedy="Ask the operator for a `scope` of the actor's trust rule that holds some of the user's.",
            details={"reason": "max_scope"},
        )
    return both
