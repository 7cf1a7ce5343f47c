"""One who acts for another: a hub that asks for keys of the person whose notebook it starts.

Whom a principal may act for is said in the rule that admits it (`may_act_for`), and nowhere else; whoever is acted for
shows a token of their own as well.
"""

from dataclasses import replace

from vendor.errors import RoleRequired
from vendor.identity.principal import ActedBy, Principal


def on_behalf(subject: Principal, actor: Principal) -> Principal:
    """Return the subject as one for whom the actor acts.  Raises RoleRequired if the actor may not.

    Nothing is added to what the subject may do, and an actor's own limits hold as well.
    """
    if subject.trusted_by is None or subject.trusted_by not in actor.may_act_for:
        raise RoleRequired(
            "The actor may not act for this user.",
            remedy="Ask the operator for `may_act_for` in the trust rule that admits the actor.",
            details={"reason": "may_act_for"},
        )
    limits = [limit for limit in (subject.max_lease_seconds, actor.max_lease_seconds) if limit is not None]
    acted_by = ActedBy(actor.name, actor.issuer, actor.subject)
    return replace(subject, max_lease_seconds=min(limits, default=None), acted_by=acted_by, admin=False)
