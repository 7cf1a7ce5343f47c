"""What each kind of change writes: a record and every index of it, always together.

Each edit also requires that what it hangs on exists, so that no record is left behind by what was deleted meanwhile.
"""

from collections.abc import Mapping

from vendor.governance import keys
from vendor.governance.change import REVISION, Change
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import TenantName, UserName


def add_user(change: Change, name: UserName, first_seen: str, display_name: str | None, email: str | None) -> None:
    """Make a user known who is not yet."""
    change.require(keys.user(name), "rev", expected=False)
    texts = {"first_seen": first_seen, "display_name": display_name or "", "email": email or ""}
    change.put(keys.user(name), {**texts, "disabled": "0", "rev": REVISION})
    change.do("ZADD", keys.USERS, 0, name)


def change_user(change: Change, name: UserName, fields: Mapping[str, str]) -> None:
    """Replace some of what is known of a user."""
    change.require(keys.user(name), "rev", expected=True)
    change.put(keys.user(name), {**fields, "rev": REVISION})


def drop_user(change: Change, name: UserName) -> None:
    """Forget a user of whom nothing else is left."""
    home = keys.home_of(name)
    change.do("DEL", keys.user(name))
    change.do("ZREM", keys.USERS, name)
    change.do("HDEL", keys.REVISIONS, keys.given_by(home), keys.given_to(home))


def add_tenant(change: Change, name: TenantName, fields: Mapping[str, str]) -> None:
    """Create a tenant that does not exist."""
    change.require(keys.tenant(name), "rev", expected=False)
    change.put(keys.tenant(name), {**fields, "rev": REVISION, "stewards_rev": REVISION})
    change.do("ZADD", keys.TENANTS, 0, name)


def change_tenant(change: Change, name: TenantName, fields: Mapping[str, str]) -> None:
    """Replace some of what is said about a tenant."""
    change.require(keys.tenant(name), "rev", expected=True)
    change.put(keys.tenant(name), {**fields, "rev": REVISION})


def drop_tenant(change: Change, name: TenantName) -> None:
    """Forget a tenant of which nothing else is left."""
    owner = Target(TargetKind.TENANT, name)
    change.do("DEL", keys.tenant(name))
    change.do("ZREM", keys.TENANTS, name)
    change.do("HDEL", keys.REVISIONS, keys.given_by(owner), keys.given_to(owner))


def set_member(change: Change, tenant: TenantName, user: UserName, access: str, *, known: bool = True) -> None:
    """Make a user a member, or change a member's access.  `known` is false for one whom this change makes known."""
    _of_both(change, tenant, user, known=known)
    change.do("HSET", keys.members(tenant), user, access)
    change.do("HSET", keys.memberships(user), tenant, access)


def drop_member(change: Change, tenant: TenantName, user: UserName) -> None:
    """End a membership."""
    _of_both(change, tenant, user)
    change.do("HDEL", keys.members(tenant), user)
    change.do("HDEL", keys.memberships(user), tenant)


def set_steward(change: Change, tenant: TenantName, user: UserName, named: str) -> None:
    """Make a user a steward; `named` is the stored form of when and by whom."""
    _of_both(change, tenant, user)
    change.put(keys.tenant(tenant), {"stewards_rev": REVISION})
    change.do("HSET", keys.stewards(tenant), user, named)
    change.do("ZADD", keys.stewardships(user), 0, tenant)


def drop_steward(change: Change, tenant: TenantName, user: UserName) -> None:
    """End a steward's office."""
    _of_both(change, tenant, user)
    change.put(keys.tenant(tenant), {"stewards_rev": REVISION})
    change.do("HDEL", keys.stewards(tenant), user)
    change.do("ZREM", keys.stewardships(user), tenant)


def put_share(change: Change, share: Share) -> None:
    """Make a share, or replace it."""
    for party in (share.owner, share.target):
        if party.kind is not TargetKind.EVERYONE:
            change.require(f"{party}", "rev", expected=True)
    change.put(keys.share(share.id), {**share.fields(), "rev": REVISION})
    change.do("HSET", keys.shares_with(share.target), share.id, share.entry())
    change.do("ZADD", keys.shares_by(share.owner), 0, keys.place(share))
    _touch_both(change, share)


def drop_share(change: Change, share: Share) -> None:
    """Take a share away, as it was read."""
    change.require(keys.share(share.id), "rev", str(share.revision))
    change.do("DEL", keys.share(share.id))
    change.do("HDEL", keys.shares_with(share.target), share.id)
    change.do("ZREM", keys.shares_by(share.owner), keys.place(share))
    _touch_both(change, share)


def _of_both(change: Change, tenant: TenantName, user: UserName, *, known: bool = True) -> None:
    change.require(keys.tenant(tenant), "rev", expected=True)
    change.require(keys.user(user), "rev", expected=known)
    change.put(keys.tenant(tenant), {"rev": REVISION})
    change.put(keys.REVISIONS, {keys.given_to(keys.home_of(user)): REVISION})


def _touch_both(change: Change, share: Share) -> None:
    touched = {keys.given_by(share.owner): REVISION, keys.given_to(share.target): REVISION}
    change.put(keys.REVISIONS, {**touched})
