"""Events about governance: users, tenants, who is in them, shares, and the state of all that as a whole."""

from typing import Literal, NotRequired

from vendor.audit.forms.common import AboutUser, Common, Level, Time

_Membership = Literal["read_only", "read_write"]


class UserCreated(AboutUser):
    """A user became known."""

    display_name: str | None
    email: str | None


class UserChanged(AboutUser):
    """What is known of a user, or whether they are disabled, changed."""

    changed: dict[str, str | bool | None]
    because: NotRequired[str]
    as_admin: NotRequired[bool]


class UserDeleted(AboutUser):
    """A user was deleted, after `pieces` memberships, offices and shares."""

    forced: bool
    pieces: int
    as_admin: bool


class TenantSaid(Common):
    """A tenant was made or changed; `metadata` is what is new."""

    tenant: str
    metadata: dict[str, str | None]
    as_admin: bool


class TenantDeleted(Common):
    """A tenant was deleted, after `pieces` memberships, offices and shares."""

    tenant: str
    pieces: int
    as_admin: bool


class MemberSet(AboutUser):
    """Somebody became a member, or one of another kind."""

    tenant: str
    access: _Membership
    before: _Membership | None
    as_admin: NotRequired[bool]
    because: NotRequired[str]


class MemberRemoved(AboutUser):
    """Somebody is no member any more."""

    tenant: str
    before: _Membership | None
    as_admin: bool
    because: NotRequired[str]


class StewardAdded(AboutUser):
    """Somebody became a steward."""

    tenant: str
    as_admin: bool


class StewardRemoved(StewardAdded):
    """Somebody is no steward any more."""

    forced: bool
    because: NotRequired[str]


class ShareCreated(Common):
    """A path was shared; `shares` are the targets by the id of the share."""

    path: str
    owner: str
    access: Level
    expires_at: Time | None
    shares: dict[str, str]
    as_admin: bool


class ShareRemoved(Common):
    """A share was taken back."""

    share: str
    path: str
    owner: str
    target: str
    as_admin: bool
    because: NotRequired[str]


class StateExported(Common):
    """The whole state of governance was copied."""

    state_revision: int
    digest: str
    counts: dict[str, int]


class StateImported(Common):
    """Another state took the place of the whole."""

    digest: str
    counts: dict[str, int]
    replaced_revision: int
    as_admin: bool
