"""Shares and tenants as calls: `client.run(governance.shares(...))`, with either client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vendor.client.answers import Access, Reader
from vendor.client.calls import Call, path_part
from vendor.client.errors import BadInput
from vendor.client.paging import Page, page_params
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name

# Shares -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Whom something is shared with: `user:bob`, `tenant:kbase` or `everyone`."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def parse_target(text: str) -> Target:
    """Return the target that `bob`, `user:bob`, `tenant:kbase` or `everyone` means.  Raises InvalidName, BadInput."""
    kind, colon, name = text.partition(":")
    if text == "everyone":
        return Target("everyone")
    if not colon or kind == "user":
        return Target("user", parse_user_name(name if colon else text))
    if kind == "tenant":
        return Target("tenant", parse_tenant_name(name))
    raise BadInput(f"{text[:80]!a} is neither a user, nor tenant:NAME, nor everyone.")


@dataclass(frozen=True, slots=True)
class Share:
    """One path that an owner lets somebody else reach."""

    id: str
    path: str
    target: Target
    access: str
    expires_at: str | None
    created_by: str
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, entry: Reader) -> "Share":
        with_ = entry.object("with")
        targets = [Target("user", name) for name in with_.texts("users")]
        targets += [Target("tenant", name) for name in with_.texts("tenants")]
        return cls(
            entry.key("id"),
            entry.text("path"),
            targets[0] if targets else Target("everyone"),
            entry.text("access"),
            entry.text_or_none("expires_at"),
            entry.text_or_none("created_by") or "",
            entry.raw,
        )


def share(path: str, targets: Sequence[Target], access: Access, expires_at: str | None = None) -> Call[list[Share]]:
    """Share a path with others; one share comes of each target."""
    parse_s3_path(path)
    with_: dict[str, object] = {
        "users": [target.name for target in targets if target.kind == "user"],
        "tenants": [target.name for target in targets if target.kind == "tenant"],
        "everyone": any(target.kind == "everyone" for target in targets),
    }
    body: dict[str, object] = {"path": path, "with": {k: v for k, v in with_.items() if v}, "access": access}
    if expires_at is not None:
        body["expires_at"] = expires_at
    return Call("POST", "/v1/shares", lambda v: [Share.read(item) for item in Reader(v).objects("shares")], body=body)


def shares(cursor: str | None = None, **which: str) -> Call[Page[Share]]:
    """List shares of one's own home, or those that one of `owner`, `path` or `with` picks."""
    return Call("GET", "/v1/shares", Page.reader("shares", Share.read), params=page_params(cursor, which))


def unshare(share_id: str) -> Call[None]:
    """Take a share back."""
    return Call("DELETE", f"/v1/shares/{path_part(share_id)}", lambda _value: None)


# Tenants ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: what is said about it, and who is in it (if it was asked for by name)."""

    name: str
    display_name: str
    description: str
    members: Mapping[str, str]
    stewards: Sequence[str]
    raw: Mapping[str, object] = field(repr=False)

    @classmethod
    def read(cls, entry: Reader) -> "Tenant":
        return cls(
            entry.key("name"),
            entry.text_or_none("display_name") or "",
            entry.text_or_none("description") or "",
            {item.text("user"): item.text("access") for item in entry.objects("members")},
            tuple(item.text("user") for item in entry.objects("stewards")),
            entry.raw,
        )

    @classmethod
    def read_value(cls, value: object) -> "Tenant":
        return cls.read(Reader(value))


def _tenant_path(name: str, *more: str) -> str:
    return "/".join(["/v1/tenants", parse_tenant_name(name), *more])


def tenants(cursor: str | None = None) -> Call[Page[Tenant]]:
    """List the tenants that concern one."""
    return Call("GET", "/v1/tenants", Page.reader("tenants", Tenant.read), params=page_params(cursor, {}))


def tenant(name: str) -> Call[Tenant]:
    """Show one tenant."""
    return Call("GET", _tenant_path(name), Tenant.read_value)


def create_tenant(name: str, metadata: Mapping[str, str]) -> Call[Tenant]:
    """Create a tenant, or replace what is said about it."""
    return Call("PUT", _tenant_path(name), Tenant.read_value, body=dict(metadata))


def edit_tenant(name: str, metadata: Mapping[str, str | None]) -> Call[Tenant]:
    """Change some of what is said about a tenant; None clears it."""
    return Call("PATCH", _tenant_path(name), Tenant.read_value, body=dict(metadata))


def delete_tenant(name: str) -> Call[None]:
    """Delete a tenant with its members, stewards and shares; never an object."""
    return Call("DELETE", _tenant_path(name), lambda _value: None)


def set_member(name: str, user: str, access: str) -> Call[Tenant]:
    """Add a member, or change their access (`read_only`, `read_write`)."""
    path = _tenant_path(name, "members", parse_user_name(user))
    return Call("PUT", path, Tenant.read_value, body={"access": access})


def remove_member(name: str, user: str) -> Call[None]:
    """Remove a member."""
    return Call("DELETE", _tenant_path(name, "members", parse_user_name(user)), lambda _value: None)


def add_steward(name: str, user: str) -> Call[Tenant]:
    """Make somebody a steward."""
    return Call("PUT", _tenant_path(name, "stewards", parse_user_name(user)), Tenant.read_value, body={})


def remove_steward(name: str, user: str) -> Call[None]:
    """Take the office of a steward away."""
    return Call("DELETE", _tenant_path(name, "stewards", parse_user_name(user)), lambda _value: None)
