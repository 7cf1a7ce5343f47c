"""Take over keys that another replica made, if they are exactly what would be made here and now.

Nothing of what the other replica decided is believed: the plan is made again from what is granted now, with this
replica's own tables, and it has to come to the same policy.
"""

from vendor.errors import VendError
from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases.lease import Issued, Lease, LeaseAsk
from vendor.leases.making import Making, Wish
from vendor.leases.shield.live import Live, Packed


def adopt(
    packed: Packed, principal: Principal, ask: LeaseAsk, standing: Standing, making: Making, monotonic: float
) -> Live | None:
    """Return the live keys, or None if they are not what `ask` would be answered with now, or do not serve any more."""
    if packed.digest != standing.digest:
        return None
    store = making.store(ask.store)
    try:
        plan = making.plan(Wish(principal, ask, packed.lease), standing, store)
    except VendError:  # refused now: the flight goes on, and comes to the same refusal
        return None
    if plan.policy is None or plan.policy.sha256 != packed.policy_sha256:
        return None
    lease = Lease(
        id=packed.lease,
        principal=principal.name,
        store=ask.store,
        issued_at=packed.issued_at,
        expires_at=packed.expires_at,
        refresh_after=packed.refresh_after,
        renewable_until=None,
        scope=plan.narrowed.granted,
        not_granted=plan.narrowed.not_granted,
        policy=plan.policy,
        policy_limit=store.profile.policy_limit,
        audit_context=ask.audit_context or {},
        form=packed.form,
        ceiling=packed.ceiling,
    )
    now = making.clock()
    live = Live.of(Issued(lease, packed.credentials, store.settings), standing, now, monotonic)
    return live if live.serves(now, monotonic) else None
