"""`/sharing`: let others reach a path of one's own, and see who does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vendor.doors.mms import models
from vendor.doors.mms.errors import Area, ServiceError
from vendor.doors.mms.operation import Answer, Call, Register
from vendor.doors.mms.reading import read_body
from vendor.errors import InvalidName, InvalidPath, UnknownTenant
from vendor.governance.records import Share, Target, TargetKind
from vendor.names import S3Path, parse_bucket, parse_s3_path, parse_user_name
from vendor.policy.grant import Access, Level
from vendor.stewardship.shares import Offer


@dataclass(slots=True)
class _Asked:
    """Targets with the names they were asked by; what names nobody is an error line at once.

    `readers` are tenants named by their read-only half only: they get no more than reading.
    """

    users: dict[Target, str] = field(default_factory=dict)
    groups: dict[Target, list[str]] = field(default_factory=dict)
    readers: set[Target] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def targets(self) -> list[Target]:
        """Return all of them."""
        return [*self.users, *self.groups]

    def named(self, targets: Sequence[Target]) -> tuple[list[str], list[str]]:
        """Return the names of users, and of groups as they were asked by."""
        users = [self.users[target] for target in targets if target in self.users]
        groups = [name for target in targets for name in self.groups.get(target, ())]
        return users, groups


async def share(call: Call) -> Answer:
    """Share a path with users and groups: 200 if all of them have it, 207 if some do not."""
    body = await read_body(call.request, models.ShareRequest)
    path = _path(body.path)
    await call.gateway.vending.limits.sharing(call.who, len(body.with_users) + len(body.with_groups))
    asked = await _asked(call, body.with_users, body.with_groups, "sharing with")
    level = Level(body.permission)
    done: list[Target] = []
    writers = tuple(target for target in asked.targets() if target not in asked.readers)
    offers = [Offer(path, writers, level)]
    if asked.readers:
        offers.append(Offer(path, tuple(asked.readers), Level.READ))
    for offer in offers:
        for outcome in await call.gateway.shares.create_each(call.who, offer):
            if outcome.refusal is None:
                done.append(outcome.target)
            else:
                asked.errors.append(_line(asked, outcome.target, "sharing with", outcome.refusal.message))
    users, groups = asked.named(done)
    answer = models.ShareResponse(
        path=path.text,
        shared_with_users=users,
        shared_with_groups=groups,
        success_count=len(users) + len(groups),
        errors=asked.errors,
        shared_by=call.name,
        shared_at=call.now(),
    )
    return Answer(answer, 207 if asked.errors else 200)


async def unshare(call: Call) -> Answer:
    """Take the shares of a path with users and groups back; with whom it was not shared counts as done."""
    body = await read_body(call.request, models.UnshareRequest)
    path = _path(body.path)
    asked = await _asked(call, body.from_users, body.from_groups, "unsharing from")
    await call.gateway.shares.remove_from(call.who, path, asked.targets())
    users, groups = asked.named(asked.targets())
    answer = models.UnshareResponse(
        path=path.text,
        unshared_from_users=users,
        unshared_from_groups=groups,
        success_count=len(users) + len(groups),
        errors=asked.errors,
        unshared_by=call.name,
        unshared_at=call.now(),
    )
    return Answer(answer, 207 if asked.errors else 200)


async def make_public(call: Call) -> models.PublicAccessResponse:
    """Share a path with everyone, for reading unless writing is asked for."""
    body = await read_body(call.request, models.PublicRequest)
    path = _path(body.path)
    await call.gateway.shares.make_public(call.who, path, Level(body.permission))
    return models.PublicAccessResponse(path=path.text, is_public=True)


async def make_private(call: Call) -> models.PublicAccessResponse:
    """Take all shares of a path back.  Who still reaches it through a folder above is a refusal that says so."""
    path = _path((await read_body(call.request, models.PathRequest)).path)
    await call.gateway.shares.make_private(call.who, path)
    left = (await call.gateway.reach.of(call.who, path)).shares
    if left:
        above = ", ".join(sorted({one.path.text for one in left})[:5])
        raise ServiceError(403, 20042, f"Shares of {path.text} were removed, but a folder above is shared: {above}")
    return models.PublicAccessResponse(path=path.text, is_public=False)


async def access_info(call: Call) -> models.PathAccessResponse:
    """Say who reaches a path: to its owner, the stewards of its tenant, and administrators."""
    path = _path((await read_body(call.request, models.PathRequest)).path)
    reach = await call.gateway.reach.of(call.who, path)
    targets = {reach.owner, *(one.target for one in reach.shares)}
    return models.PathAccessResponse(
        users=_names(targets, TargetKind.USER),
        groups=_names(targets, TargetKind.TENANT),
        public=any(_is_public(call, one) for one in reach.shares),
        path=path.text,
    )


async def _asked(call: Call, users: Sequence[str], groups: Sequence[str], doing: str) -> _Asked:
    asked = _Asked()
    for name in users:
        try:
            asked.users[Target(TargetKind.USER, parse_user_name(name))] = name
        except InvalidName as refusal:
            asked.errors.append(f"Error {doing} user {name[:64]}: {refusal.message}")
    whole: set[Target] = set()
    for name in groups:
        try:
            half = await call.gateway.mms.halves.find(call.who, name)
        except (InvalidName, UnknownTenant) as refusal:
            asked.errors.append(f"Error {doing} group {name[:64]}: {refusal.message}")
            continue
        target = Target(TargetKind.TENANT, half.tenant)
        asked.groups.setdefault(target, []).append(name)
        if half.access is Access.READ_WRITE:
            whole.add(target)
    asked.readers = set(asked.groups) - whole
    return asked


def _line(asked: _Asked, target: Target, doing: str, message: str) -> str:
    kind = "user" if target.kind is TargetKind.USER else "group"
    names = [asked.users[target]] if target in asked.users else asked.groups[target]
    return f"Error {doing} {kind} {', '.join(names)}: {message}"


def _path(text: str) -> S3Path:
    """Parse a path, forgiving blanks around it as MMS does.  Raises InvalidPath, for the bucket ServiceError."""
    stripped = text.strip()
    try:
        return parse_s3_path(stripped)
    except InvalidPath as refusal:
        if stripped.startswith(("s3://", "s3a://")):
            try:
                parse_bucket(stripped.partition("://")[2].partition("/")[0])
            except InvalidPath:
                raise ServiceError(400, 30020, refusal.message) from None
        raise


def _names(targets: set[Target], kind: TargetKind) -> list[str]:
    return sorted(target.name for target in targets if target.kind is kind)


def _is_public(call: Call, share: Share) -> bool:
    joins = call.gateway.mms.joins
    everybody = joins is not None and share.target == Target(TargetKind.TENANT, joins.tenant)
    return everybody or share.target.kind is TargetKind.EVERYONE


_on = Register(Area.SHARING)
_PUBLIC: Final = {200: models.PublicAccessResponse}
_SHARED: Final = {200: models.ShareResponse, 207: models.ShareResponse}
_UNSHARED: Final = {200: models.UnshareResponse, 207: models.UnshareResponse}
_REACHED: Final = {200: models.PathAccessResponse}
OPERATIONS: Final = [
    _on("POST", "/sharing/share", share, _SHARED, body=models.ShareRequest),
    _on("POST", "/sharing/unshare", unshare, _UNSHARED, body=models.UnshareRequest),
    _on("POST", "/sharing/make-public", make_public, _PUBLIC, body=models.PublicRequest),
    _on("POST", "/sharing/make-private", make_private, _PUBLIC, body=models.PathRequest),
    _on("POST", "/sharing/get_path_access_info", access_info, _REACHED, body=models.PathRequest),
]
