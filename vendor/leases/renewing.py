"""Renew: from a lease token to fresh keys of the same lease.

Every renewal reads the grants again: what was taken away is gone from the new keys, and what was asked for and has
come back is in them.  A deleted user's leases are not renewed, whoever has the name later; those that somebody began
for them are not either when that one's account is disabled or gone.  The identity token that began the lease is not
needed any more, nor is the identity provider.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from vendor.audit.event import Kind, Origin
from vendor.audit.trail import Trail
from vendor.errors import InvalidToken, LeaseEnded, RoleRequired, StateUnavailable, VendError
from vendor.governance.records import User
from vendor.governance.state import Standing, Subject
from vendor.identity.principal import Principal
from vendor.identity.still_trusted import still_trusted
from vendor.identity.trust import Trust
from vendor.leases import facts
from vendor.leases.lease import Issued, Lease, LeaseAsk
from vendor.leases.live import Live
from vendor.leases.making import Making, Wish
from vendor.leases.register import Kept, Register
from vendor.leases.shield.limits import Limits
from vendor.leases.token import parse_token
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller
from vendor.stewardship.users import Users
from vendor.times import parse_rfc3339

CLOCK_SLACK: Final = 60.0  # how far the clocks of two replicas may be apart
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Renewing:
    """The use case."""

    making: Making
    users: Users
    trail: Trail
    register: Register
    limits: Limits | None = None
    trust: Trust | None = None

    async def open(self, token: RawToken) -> Kept:
        """Return the lease that a token belongs to.

        Raises InvalidToken for a token that is none, or not this lease's (also once the lease is forgotten), LeaseEnded
        for a lease that was revoked or has run out, StateUnavailable.
        """
        lease_id, lease_token = parse_token(token)
        kept = await self.register.get(lease_id)
        if kept is None or not kept.opened_by(lease_token):
            raise InvalidToken("This lease token is not known here.", remedy="Ask for a new lease.")
        if kept.ended is not None:
            raise LeaseEnded("This lease was ended.")
        if self.making.clock() >= (kept.renewable_until or 0.0):
            raise LeaseEnded("This lease has reached the end of its time.")
        return kept

    async def renew(self, token: RawToken, origin: Origin) -> Issued:
        """Issue fresh keys for a lease.  Raises what `open` and `Vending.vend` raise, and TooManyRequests."""
        return await self.renew_kept(await self.open(token), token, origin)

    async def renew_kept(self, kept: Kept, token: RawToken, origin: Origin) -> Issued:
        """Issue fresh keys for a lease that this token opened.  Raises what `renew_opened` raises."""
        issued = await self.renew_opened(kept, kept.ask, origin)
        await self.seal(issued, kept.ask, token)
        return issued

    async def renew_opened(self, kept: Kept, ask: LeaseAsk, origin: Origin) -> Issued:
        """Issue fresh keys for a lease that was just opened: for its own ask, or for less of it.

        Raises what `Vending.vend` raises, and LeaseEnded.
        """
        caller = Caller(kept.holder, origin)
        if self.limits is not None:
            await self.limits.renewal(caller)
        event = caller.event(Kind.VEND_RENEWED, self.making.clock(), lease=kept.id, **facts.asked(ask))
        try:
            caller, wish = self._now(kept, ask, origin)
            self._require_time_left(wish)
            standing, slot, _ = await asyncio.gather(
                self.users.standing_if_known(caller),
                self.making.reserve(kept.holder, ask.store, kept.id, renewed_until=kept.expires_at),
                self.require_actor(kept),
            )
            _require_same_user(kept, standing)
            keep = _Keeper(self.register, kept, wish.part)
            return await self.making.make(wish, standing, event, slot=slot, keep=keep, forget=_nothing)
        except VendError as refusal:
            event.refuse(Kind.VEND_DENIED, refusal.code, failed=refusal.status >= 500)
            self.making.refused(event, refusal, ask.store)
            await self.trail.write_refusal(event)
            raise

    def _now(self, kept: Kept, ask: LeaseAsk, origin: Origin) -> tuple[Caller, Wish]:
        """Return who the holder is by the trust file as it is now, and their wish.  Raises LeaseEnded."""
        holder = self.holder(kept)
        until = kept.renewable_until
        if until is not None and holder.max_lease_seconds is not None:
            until = min(until, kept.begun + holder.max_lease_seconds)
        return Caller(holder, origin), Wish(
            holder, ask, kept.id, until, kept.renewals + 1, part=_is_part(ask, kept.ask)
        )

    def holder(self, kept: Kept) -> Principal:
        """Return the holder of a lease, with the bounds that are set now.  Raises LeaseEnded."""
        return kept.holder if self.trust is None else still_trusted(kept.holder, self.trust)

    async def require_actor(self, kept: Kept) -> None:
        """Look whether the account of whoever began a lease for its user is still the one it was.

        Raises LeaseEnded if it was deleted, RoleRequired if it is disabled, StateUnavailable.
        """
        actor = kept.holder.acted_by
        if actor is None:
            return
        user = (await self.users.desk.governance.standing(Subject(actor.name))).user
        if user is None or _is_another(user, kept):
            raise LeaseEnded("The account of whoever began this lease for its user was deleted.")
        if user.disabled:
            raise RoleRequired(
                "The account of whoever began this lease for its user is disabled.",
                remedy="Ask an administrator to enable it again, or ask for a lease of your own.",
            )

    async def seal(self, issued: Issued, ask: LeaseAsk, token: RawToken) -> None:
        """Keep fresh keys for repeated asks.  They are recorded by now, and good without it, too."""
        _, lease_token = parse_token(token)
        try:
            await self.register.sealed.put(Live.of(issued, ask), lease_token)
        except StateUnavailable:
            _log.warning("live keys not kept for other replicas", lease=issued.lease.id)

    def has_time_left(self, store: str, renewable_until: float | None) -> bool:
        """Say whether a lease goes on for longer than the shortest keys on its store last."""
        least = max(self.making.durations.least, self.making.store(store).durations.least)
        return (renewable_until or 0.0) - self.making.clock() >= least

    def _require_time_left(self, wish: Wish) -> None:
        if not self.has_time_left(wish.ask.store, wish.renewable_until):
            raise LeaseEnded("This lease has less time left than the shortest keys would last.")


@dataclass(slots=True)
class _Keeper:
    """Keeps what a renewal makes of a lease that was `kept`, at every try: what is granted may change meanwhile."""

    register: Register
    kept: Kept
    part: bool
    tried: Lease | None = None

    async def __call__(self, issued: Issued) -> None:
        """Keep it.  Raises LeaseEnded, StateUnavailable."""
        if self.tried is not None:
            self.kept = self.kept.renewed(self.tried, part=self.part)
        self.tried = issued.lease
        if not await self.register.renew(self.kept, issued.lease, part=self.part):
            raise LeaseEnded("This lease was ended while it was renewed.")


def _is_part(ask: LeaseAsk, whole: LeaseAsk) -> bool:
    """Say whether less is asked for than the lease is for; a shorter time alone is not less."""
    return (ask.scope, ask.policy, ask.at_most) != (whole.scope, whole.policy, whole.at_most)


def _require_same_user(kept: Kept, standing: Standing) -> None:
    """Raise LeaseEnded if the user was deleted since: whoever has the name now may be somebody else."""
    if standing.user is None or _is_another(standing.user, kept):
        raise LeaseEnded("The user of this lease was deleted.")


def _is_another(user: User, kept: Kept) -> bool:
    """Say whether the user of this name came after the lease."""
    return parse_rfc3339(user.first_seen) > kept.begun + CLOCK_SLACK


async def _nothing(_issued: Issued) -> None:
    """Leave what a try wrote: it is what was granted a moment ago, and the next try or renewal writes it anew."""
