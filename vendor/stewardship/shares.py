"""Shares: an owner lets somebody else reach one path."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from vendor.audit.event import Kind
from vendor.errors import InvalidRequest, NotOwner, UnknownShare, UnknownTenant, UnknownUser
from vendor.governance.keys import Keys
from vendor.governance.records import Share, Target, TargetKind
from vendor.governance.state import Change, Governance
from vendor.names import S3Path, TenantName, UserName
from vendor.policy.grant import Level
from vendor.policy.layout import Layout
from vendor.stewardship.caller import Caller
from vendor.stewardship.commit import Decided, commit
from vendor.times import Clock, rfc3339


@dataclass(frozen=True, slots=True)
class Offer:
    """What an owner wants to share.  `expires_at` is in seconds since the epoch, None for no end."""

    path: S3Path
    targets: tuple[Target, ...]
    level: Level
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Shares:
    """The use cases about shares.

    Homes are shared by their owner, tenants' paths by their stewards, both also by administrators; anything else by
    nobody.
    """

    governance: Governance
    layout: Layout
    clock: Clock

    async def create(self, caller: Caller, offer: Offer) -> list[Share]:
        """Share a path with each target: all of them in one step, or none.  Sharing again replaces level and end.

        Raises NotOwner, InvalidRequest, UnknownUser, UnknownTenant, Conflict.
        """
        owner = self._owner(offer.path)
        now = self.clock()
        if offer.expires_at is not None and offer.expires_at <= now:
            raise InvalidRequest("expires_at: the share would have ended already.")

        async def decide() -> Decided[list[Share]]:
            change = Change()
            await self._require_control(change, caller, owner)
            shares = [self._share(caller, owner, offer, target, now) for target in dict.fromkeys(offer.targets)]
            for share in shares:
                await self._require_target(change, owner, share.target)
                _write(change, self.governance.keys, share)
            facts = {
                "path": offer.path.text,
                "owner": str(owner),
                "access": str(offer.level),
                "expires_at": None if offer.expires_at is None else rfc3339(offer.expires_at),
                "shares": {share.id: str(share.target) for share in shares},
                "as_admin": owner != _home(caller) and caller.principal.admin,
            }
            return change, caller.event(Kind.SHARE_CREATED, now, **facts), shares

        shares, _ = await commit(self.governance, decide)
        return shares

    async def remove(self, caller: Caller, share_id: str) -> None:
        """Take a share back.  To those who neither own nor were offered it, it is an UnknownShare.

        Raises UnknownShare, NotOwner, Conflict.
        """

        async def decide() -> Decided[None]:
            share = await self.governance.share(share_id)
            if share is None:
                raise UnknownShare("There is no such share.")
            change = Change()
            try:
                await self._require_control(change, caller, share.owner)
            except NotOwner:
                if share.target == _home(caller):
                    raise
                raise UnknownShare("There is no such share.") from None
            keys = self.governance.keys
            change.require(keys.share(share.id), "created_at", share.created_at)
            change.do("DEL", keys.share(share.id))
            change.do("HDEL", _index_of_target(keys, share.target), share.id)
            change.do("ZREM", _index_of_owner(keys, share.owner), share.id)
            facts = {"share": share.id, "path": share.path.text, "owner": str(share.owner), "target": str(share.target)}
            return change, caller.event(Kind.SHARE_REMOVED, self.clock(), **facts), None

        await commit(self.governance, decide)

    async def given(self, caller: Caller, owner: Target | None, after: str, count: int) -> list[Share]:
        """List up to `count` shares after the id `after` of the paths of `owner`, by default of the caller's home.

        Raises NotOwner.
        """
        owner = owner or _home(caller)
        await self._require_control(Change(), caller, owner)
        return await self.governance.shares(_index_of_owner(self.governance.keys, owner), after, count)

    def _owner(self, path: S3Path) -> Target:
        user = self.layout.home_owner(path.bucket, path.prefix)
        if user is not None:
            return Target(TargetKind.USER, user)
        tenant = self.layout.tenant_of(path.bucket, path.prefix)
        if tenant is not None:
            return Target(TargetKind.TENANT, tenant)
        raise NotOwner("This path lies in nobody's home and in no tenant, so nobody can share it.")

    async def _require_control(self, change: Change, caller: Caller, owner: Target) -> None:
        if caller.principal.admin or owner == _home(caller):
            return
        if owner.kind is TargetKind.TENANT:
            key = self.governance.keys.stewards(TenantName(owner.name))
            if caller.principal.name in await self.governance.stewards(TenantName(owner.name)):
                change.require(key, caller.principal.name, expected=True)
                return
        raise NotOwner("Only the owner of this path can share it.")

    async def _require_target(self, change: Change, owner: Target, target: Target) -> None:
        if target == owner:
            raise InvalidRequest("with: a path is not shared with its own owner.")
        keys = self.governance.keys
        if target.kind is TargetKind.USER:
            if await self.governance.user(UserName(target.name)) is None:
                raise UnknownUser(
                    f"There is no user {target.name}.", remedy="People become known at their first sign-in."
                )
            change.require(keys.user(UserName(target.name)), "rev", expected=True)
        if target.kind is TargetKind.TENANT:
            if await self.governance.tenant(TenantName(target.name)) is None:
                raise UnknownTenant(f"There is no tenant {target.name}.")
            change.require(keys.tenant(TenantName(target.name)), "rev", expected=True)

    def _share(self, caller: Caller, owner: Target, offer: Offer, target: Target, now: float) -> Share:
        return Share(
            id=_share_id([offer.path.bucket, offer.path.prefix, str(target)]),
            path=offer.path,
            target=target,
            level=offer.level,
            expires_at=offer.expires_at,
            owner=owner,
            created_by=caller.principal.name,
            created_at=rfc3339(now),
        )


def _share_id(parts: Sequence[str]) -> str:
    """The same path and target are the same share, so that sharing again replaces."""
    return "s_" + base64.b32encode(hashlib.sha256("\n".join(parts).encode()).digest()).decode().lower()[:20]


def _home(caller: Caller) -> Target:
    return Target(TargetKind.USER, caller.principal.name)


def _write(change: Change, keys: Keys, share: Share) -> None:
    change.put(keys.share(share.id), share.fields())
    change.do("HSET", _index_of_target(keys, share.target), share.id, share.entry())
    change.do("ZADD", _index_of_owner(keys, share.owner), 0, share.id)


def _index_of_target(keys: Keys, target: Target) -> str:
    if target.kind is TargetKind.USER:
        return keys.shares_with_user(UserName(target.name))
    if target.kind is TargetKind.TENANT:
        return keys.shares_with_tenant(TenantName(target.name))
    return keys.everyone


def _index_of_owner(keys: Keys, owner: Target) -> str:
    if owner.kind is TargetKind.TENANT:
        return keys.shares_by_tenant(TenantName(owner.name))
    return keys.shares_by_user(UserName(owner.name))
