"""Governance once more, as plain dictionaries: what every request should answer, and what should be there after it.

Written from the rules, not from the code.  Revisions are predicted, too: every change counts up by one, and what
changes nothing counts nothing.
"""

from dataclasses import dataclass, field
from typing import Any

from vendor.governance.records import Target, TargetKind, share_id
from vendor.names import parse_s3_path

HOMES = ("users-general-warehouse/", "users-sql-warehouse/")
FOLDERS = ("tenant-general-warehouse/", "tenant-sql-warehouse/")
ADMINS = frozenset({"carol", "wanda"})


class Refusal(Exception):
    """A request that should be refused."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


NOT_ADMIN = (403, "role_required")
DISABLED = (403, "role_required")


@dataclass
class ModelTenant:
    said: dict[str, str | None]
    members: dict[str, str] = field(default_factory=dict)
    stewards: dict[str, str] = field(default_factory=dict)
    rev: int = 0


@dataclass
class ModelUser:
    display_name: str | None
    email: str | None
    disabled: bool = False
    rev: int = 0


@dataclass
class ModelShare:
    path: str
    owner: str
    target: str
    access: str
    expires_at: str | None
    created_by: str
    rev: int = 0


@dataclass
class Model:
    """The state.  Every method is one request by `who`; it raises Refusal or changes the state."""

    users: dict[str, ModelUser] = field(default_factory=dict)
    tenants: dict[str, ModelTenant] = field(default_factory=dict)
    shares: dict[str, ModelShare] = field(default_factory=dict)
    by_revision: dict[str, int] = field(default_factory=dict)
    rev: int = 0

    # What every request does first.

    def enter(self, who: str) -> None:
        self.know(who)
        if self.users[who].disabled:
            raise Refusal(*DISABLED)

    def know(self, who: str) -> None:
        if who not in self.users:
            self.rev += 1
            self.users[who] = ModelUser(None, None, rev=self.rev)

    def _admin(self, who: str) -> None:
        if who not in ADMINS:
            raise Refusal(*NOT_ADMIN)

    @staticmethod
    def _match(wanted: int | None, found: int) -> None:
        if wanted is not None and wanted != found:
            raise Refusal(412, "stale_revision")

    # Users.

    def put_user(self, who: str, user: str, display_name: str | None, email: str | None) -> None:
        self._admin(who)
        self.enter(who)
        if user in self.users:
            raise Refusal(409, "already_exists")
        self.rev += 1
        self.users[user] = ModelUser(display_name, email, rev=self.rev)

    def patch_user(self, who: str, user: str, said: dict[str, Any], match: int | None) -> None:
        self._admin(who)
        if said.get("disabled") is True and who == user:
            raise Refusal(409, "conflict")
        self.enter(who)
        if user not in self.users:
            raise Refusal(404, "unknown_user")
        found = self.users[user]
        self._match(match, found.rev)
        if any(getattr(found, name) != value for name, value in said.items()):
            self.rev += 1
            found.rev = self.rev
            for name, value in said.items():
                setattr(found, name, value)

    def delete_user(self, who: str, user: str, match: int | None, *, force: bool) -> None:
        self._admin(who)
        self.enter(who)
        if user not in self.users:
            raise Refusal(404, "unknown_user")
        if not force and any(set(tenant.stewards) == {user} for tenant in self.tenants.values()):
            raise Refusal(409, "last_steward")
        self._match(match, self.users[user].rev)
        self.rev += 1
        del self.users[user]
        for tenant in self.tenants.values():
            if user in tenant.members or user in tenant.stewards:
                tenant.rev = self.rev
            tenant.members.pop(user, None)
            tenant.stewards.pop(user, None)
        self._drop_shares_of(f"user:{user}")

    # Tenants.

    def put_tenant(self, who: str, name: str, said: dict[str, str | None], match: int | None) -> None:
        self._admin(who)
        self.enter(who)
        found = self.tenants.get(name)
        self._match(match, found.rev if found else 0)
        complete = {**dict.fromkeys(("display_name", "description", "website", "organization")), **said}
        if found is None:
            if name + "ro" in self.tenants or (name.endswith("ro") and name[:-2] in self.tenants):
                raise Refusal(409, "already_exists")
            self.rev += 1
            self.tenants[name] = ModelTenant({**complete, "created_by": who, "updated_by": who}, rev=self.rev)
        else:
            self._say(who, found, complete)

    def patch_tenant(self, who: str, name: str, said: dict[str, str | None], match: int | None) -> None:
        tenant = self._concerning(who, name)
        self._steward(who, tenant)
        self._match(match, tenant.rev)
        self._say(who, tenant, said)

    def delete_tenant(self, who: str, name: str, match: int | None) -> None:
        self._admin(who)
        self.enter(who)
        if name not in self.tenants:
            raise Refusal(404, "unknown_tenant")
        self._match(match, self.tenants[name].rev)
        self.rev += 1
        del self.tenants[name]
        self._drop_shares_of(f"tenant:{name}")

    def _say(self, who: str, tenant: ModelTenant, said: dict[str, str | None]) -> None:
        if any(tenant.said[name] != value for name, value in said.items()):
            self.rev += 1
            tenant.rev = self.rev
            tenant.said.update({**said, "updated_by": who})

    def _concerning(self, who: str, name: str) -> ModelTenant:
        self.enter(who)
        tenant = self.tenants.get(name)
        if tenant is None or not (who in ADMINS or who in tenant.members or who in tenant.stewards):
            raise Refusal(404, "unknown_tenant")
        return tenant

    @staticmethod
    def _steward(who: str, tenant: ModelTenant) -> None:
        if who not in ADMINS and who not in tenant.stewards:
            raise Refusal(403, "not_steward")

    # People of tenants.

    def set_member(self, who: str, name: str, user: str, access: str, match: int | None) -> None:
        tenant = self._concerning(who, name)
        self._match(match, tenant.rev)
        self._steward(who, tenant)
        before = tenant.members.get(user)
        if who == user and who not in ADMINS and before not in {"read_write", access}:
            raise Refusal(403, "not_steward")
        if user not in self.users:
            raise Refusal(404, "unknown_user")
        if before != access:
            self.rev += 1
            tenant.rev = self.rev
            tenant.members[user] = access

    def remove_member(self, who: str, name: str, user: str, match: int | None) -> None:
        tenant = self._concerning(who, name)
        self._match(match, tenant.rev)
        if who != user:
            self._steward(who, tenant)
        if tenant.members.pop(user, None) is not None:
            self.rev += 1
            tenant.rev = self.rev

    def add_steward(self, who: str, name: str, user: str, match: int | None) -> None:
        tenant = self._concerning(who, name)
        self._admin(who)
        self._match(match, tenant.rev)
        if user not in self.users:
            raise Refusal(404, "unknown_user")
        if user not in tenant.stewards:
            self.rev += 1
            tenant.rev = self.rev
            tenant.stewards[user] = who

    def remove_steward(self, who: str, name: str, user: str, match: int | None, *, force: bool) -> None:
        tenant = self._concerning(who, name)
        self._admin(who)
        self._match(match, tenant.rev)
        if user not in tenant.stewards:
            return
        if set(tenant.stewards) == {user} and not force:
            raise Refusal(409, "last_steward")
        self.rev += 1
        tenant.rev = self.rev
        del tenant.stewards[user]

    # Shares.

    def create_share(
        self, who: str, path: str, targets: list[str], access: str, expires_at: str | None, match: int | None
    ) -> list[str]:
        owner = self._owner(path)
        self._control(who, owner)
        self._match(match, self.by_revision.get(owner, 0))
        for target in targets:
            self._target(who, owner, target, access)
        made, ids = [], []
        for target in targets:
            kind, _, name = target.partition(":")
            share = share_id(parse_s3_path(path), Target(TargetKind(kind), name))
            ids.append(share)
            there = self.shares.get(share)
            if there is None or (there.access, there.expires_at) != (access, expires_at):
                made.append((share, ModelShare(path, owner, target, access, expires_at, who)))
        if made:
            self.rev += 1
            self.by_revision[owner] = self.rev
        for share, one in made:
            one.rev = self.rev
            self.shares[share] = one
        return ids

    def delete_share(self, who: str, share: str, match: int | None) -> None:
        self.enter(who)
        one = self.shares.get(share)
        if one is None:
            raise Refusal(404, "unknown_share")
        if not self._controls(who, one.owner):
            raise Refusal(403, "not_owner") if one.target == f"user:{who}" else Refusal(404, "unknown_share")
        self._match(match, one.rev)
        self.rev += 1
        self.by_revision[one.owner] = self.rev
        del self.shares[share]

    @staticmethod
    def _owner(path: str) -> str:
        key = path.partition("://")[2].partition("/")[2]
        for folders, kind in ((HOMES, "user"), (FOLDERS, "tenant")):
            for folder in folders:
                if key.startswith(folder) and path.partition("://")[2].startswith("cdm-lake/"):
                    return f"{kind}:{key[len(folder) :].partition('/')[0]}"
        raise Refusal(403, "not_owner")

    def _controls(self, who: str, owner: str) -> bool:
        kind, _, name = owner.partition(":")
        if who in ADMINS or owner == f"user:{who}":
            return True
        return kind == "tenant" and name in self.tenants and who in self.tenants[name].stewards

    def _control(self, who: str, owner: str) -> None:
        self.enter(who)
        if not self._controls(who, owner):
            raise Refusal(403, "not_owner")
        kind, _, name = owner.partition(":")
        if name not in (self.users if kind == "user" else self.tenants):
            raise Refusal(404, f"unknown_{kind}")

    def _target(self, who: str, owner: str, target: str, access: str) -> None:
        if target in {owner, f"user:{who}"}:
            raise Refusal(400, "invalid_request")
        kind, _, name = target.partition(":")
        if kind != "everyone" and name not in (self.users if kind == "user" else self.tenants):
            raise Refusal(404, f"unknown_{kind}")
        if owner.startswith("tenant:") and who not in ADMINS and kind != "user":
            reached = {"read": 1, "write": 2}[access]
            if kind == "tenant":
                mine = {None: 0, "read_only": 1, "read_write": 2}[self.tenants[name].members.get(who)]
                reached = min(reached, mine)
            own = {None: 0, "read_only": 1, "read_write": 2}[self.tenants[owner[7:]].members.get(who)]
            if reached > own:
                raise Refusal(403, "not_steward")

    def _drop_shares_of(self, party: str) -> None:
        for share, one in list(self.shares.items()):
            if party in {one.owner, one.target}:
                self.by_revision[one.owner] = self.rev
                del self.shares[share]
        self.by_revision.pop(party, None)

    # What is there.

    def lines(self) -> list[dict[str, Any]]:
        """The state as the lines of a file, without times."""
        lines: list[dict[str, Any]] = []
        for name, user in self.users.items():
            said = {"display_name": user.display_name, "email": user.email, "disabled": user.disabled}
            lines.append({"type": "user", "name": name, **said, "keys_since": None})
        for name, tenant in self.tenants.items():
            lines.append({"type": "tenant", "name": name, **tenant.said})
            lines += (
                {"type": "member", "tenant": name, "user": user, "access": access}
                for user, access in tenant.members.items()
            )
            lines += (
                {"type": "steward", "tenant": name, "user": user, "assigned_by": by}
                for user, by in tenant.stewards.items()
            )
        for share in self.shares.values():
            lines.append(
                {
                    "type": "share",
                    "path": share.path,
                    "owner": share.owner,
                    "with": share.target,
                    "access": share.access,
                    "expires_at": share.expires_at,
                    "created_by": share.created_by,
                }
            )
        return lines

    def shared_with(self, user: str) -> set[tuple[str, str]]:
        """What is shared with a user, themself or through tenants and everyone: folders and levels."""
        found: set[tuple[str, str]] = set()
        for share in self.shares.values():
            kind, _, name = share.target.partition(":")
            access = share.access
            if kind == "tenant":
                member = self.tenants[name].members.get(user)
                if member is None:
                    continue
                access = access if member == "read_write" else "read"
            elif kind == "user" and name != user:
                continue
            found.add((parse_s3_path(share.path).prefix, access))
        return found
