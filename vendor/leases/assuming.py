"""Keys for one who assumes a role: for an identity token a lease of its own, for a lease token keys of that lease.

A role, a policy and a duration only ever leave less.  Without any of them a lease token gets the live keys of its
lease, like at the container door; with them it gets keys made for the part that is left, which are not given again.
"""

from dataclasses import dataclass, replace

from vendor.audit.event import Origin
from vendor.errors import InvalidDuration, ScopeNotGranted
from vendor.leases import facts
from vendor.leases.lease import Issued, LeaseAsk, LeaseId, reported_end
from vendor.leases.renewing import Renewing
from vendor.leases.repeating import Repeating
from vendor.leases.shield.shield import Shield
from vendor.policy.grant import Ask
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller
from vendor.stores.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Part:
    """What is wanted of what is granted: some paths (None for all of them), within a policy, for some seconds."""

    scope: tuple[Ask, ...] | None = None
    policy: str | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class Assumed:
    """The keys, with the end that clients are told, and how much of the store's limit their policy takes (0 to 1)."""

    lease: LeaseId
    credentials: Credentials
    reported_end: float
    packed: float | None


@dataclass(frozen=True, slots=True)
class Assuming:
    """The use cases.  Both raise what `Vending.vend` raises."""

    vending: Shield
    renewing: Renewing
    repeating: Repeating

    async def by_identity(self, caller: Caller, part: Part) -> Assumed:
        """Issue a lease that is not renewed."""
        ask = LeaseAsk(scope=part.scope, duration=part.duration, policy=part.policy)
        return _assumed(await self.vending.vend(caller, ask))

    async def by_lease(self, token: RawToken, origin: Origin, part: Part) -> Assumed:
        """Give keys of a lease, or of a part of it.  Raises what `Renewing.renew` raises."""
        if part.scope is None and part.policy is None:
            live = await self.repeating.current(token, origin)
            left = live.expires_at - self.renewing.making.clock()
            if part.duration is None or left <= part.duration <= self.renewing.making.durations.most:
                return Assumed(live.lease, live.credentials, live.reported_end, None)
        kept = await self.renewing.open(token)
        return _assumed(await self.renewing.renew_opened(kept, self._narrowed(kept.ask, part), origin))

    def _narrowed(self, ask: LeaseAsk, part: Part) -> LeaseAsk:
        scope, partial = ask.scope, ask.partial
        if part.scope is not None:
            scope, partial = _inside(part.scope, ask.scope), False
        duration = ask.duration
        if part.duration is not None:
            most = self.renewing.making.durations.most
            if part.duration > most:
                raise InvalidDuration(f"Keys last at most {most} seconds here.", details={"maximum": most})
            duration = min(part.duration, ask.duration or part.duration)
        policy = ask.policy if part.policy is None else part.policy  # an empty one is refused, not left out
        return replace(ask, scope=scope, partial=partial, duration=duration, policy=policy)


def _inside(wanted: tuple[Ask, ...], most: tuple[Ask, ...] | None) -> tuple[Ask, ...]:
    """Return what is wanted of a lease.  Raises ScopeNotGranted if the lease was not for all of it."""
    outside = [one for one in wanted if most is not None and not any(_covers(entry, one) for entry in most)]
    if outside:
        raise ScopeNotGranted(
            f"{len(outside)} of {len(wanted)} paths asked for are not part of this lease.",
            details={"not_granted": [facts.entry(one) for one in outside]},
        )
    return wanted


def _covers(entry: Ask, one: Ask) -> bool:
    inside = entry.path.bucket == one.path.bucket and one.path.prefix.startswith(entry.path.prefix)
    return inside and entry.level.covers(one.level)


def _assumed(issued: Issued) -> Assumed:
    lease = issued.lease
    packed = lease.policy.bytes / lease.policy_limit
    return Assumed(lease.id, issued.credentials, reported_end(lease.issued_at, lease.expires_at), packed)
