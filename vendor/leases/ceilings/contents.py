"""What the documents of a slot should hold, from what governance says at this moment."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vendor.governance.grants import grants_of
from vendor.governance.state import Standing
from vendor.identity.principal import Principal
from vendor.leases.ceilings.slots import SLACK, Slot
from vendor.leases.holder import ask_text, holder_text, parse_ask, parse_holder
from vendor.leases.lease import LeaseAsk
from vendor.policy.access import AccessTable
from vendor.policy.ceilings import Texts, digest_of, no_more, nothing, plan_parts
from vendor.policy.grant import Grant
from vendor.policy.layout import Layout
from vendor.policy.scope import live, narrow
from vendor.policy.within import within
from vendor.times import Clock, parse_rfc3339

_REMEMBERED: Final = 256
# SeaweedFS refuses a further version of a policy with a denial, with a wildcard in such an action, or with this one by
# its AWS name; what it is for it allows to whoever may put an object (measured).
_SPELLED_FOR_IAM: Final = (("s3:ListMultipartUploadParts", "s3:ListParts"),)
_BETWEEN: Final = "\n"  # in no JSON text of ours


@dataclass(frozen=True, slots=True)
class Content:
    """Documents, their digests, and when the first of the grants in them ends."""

    texts: Texts
    digests: tuple[str, ...]
    ends: float | None = None


class Contents:
    """Works contents out; remembers some, since most leases find theirs unchanged."""

    def __init__(self, layout: Layout, access: AccessTable, clock: Clock) -> None:
        self._layout = layout
        self._access = {True: access, False: replace(access, spelling=_SPELLED_FOR_IAM)}
        self._clock = clock
        self._known: OrderedDict[Hashable, Content] = OrderedDict()

    def of(self, slot: Slot, standing: Standing, *, denials: bool) -> Content:
        """Return what a slot should hold.  Raises PolicyTooLarge for more than any number of documents can."""
        if slot.ended or _gone(slot, standing):
            return _content([no_more(self._access[denials], denials=denials)] * slot.parts)
        key = (slot.who, slot.wish, slot.parts, standing.digest, denials)
        known = self._known.get(key)
        now = self._clock()
        if known is None or (known.ends is not None and known.ends <= now):
            known = self._made(slot, standing, now, denials=denials)
            self._known[key] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _made(self, slot: Slot, standing: Standing, now: float, *, denials: bool) -> Content:
        grants = self._grants(slot, standing, now)
        if not grants:
            return _content([nothing(self._access[denials], denials=denials)] * max(1, slot.parts))
        ends = min((grant.expires_at for grant in grants if grant.expires_at is not None), default=None)
        return _content(plan_parts(grants, self._access[denials], parts=slot.parts, denials=denials), ends)

    def _grants(self, slot: Slot, standing: Standing, now: float) -> Sequence[Grant]:
        usable = live(grants_of(standing, self._layout, has_home=slot.who.has_home), now)
        if not slot.wish:
            return usable
        principal, ask = parse_wish(slot.wish)
        if principal.max_scope is not None:
            usable = within(usable, principal.max_scope)
        return narrow(usable, ask.scope).grants


def wish_text(principal: Principal, ask: LeaseAsk) -> str:
    """Return what is kept of a lease whose slot holds less than everything."""
    return holder_text(principal) + _BETWEEN + ask_text(ask)


def parse_wish(text: str) -> tuple[Principal, LeaseAsk]:
    """Read it back.  Raises StateUnavailable."""
    holder, _, ask = text.partition(_BETWEEN)
    return parse_holder(holder, until=0.0), parse_ask(ask)


def _gone(slot: Slot, standing: Standing) -> bool:
    """Say whether the user is disabled or gone; whoever has the name since may be somebody else."""
    user = standing.user
    return user is None or user.disabled or parse_rfc3339(user.first_seen) > slot.since + SLACK


def _content(texts: Sequence[str], ends: float | None = None) -> Content:
    return Content(tuple(texts), tuple(digest_of(text) for text in texts), ends)
