"""Intersect grants with a caller's own policy, by meaning: what both allow, written anew as our own document.

For every action of ours and every folder or key that a grant opens, the caller's statements are evaluated, and the
pieces that both allow are collected.  Pieces that could not be written as `folder/*` or an exact key are refused, so
the result is exact or there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vendor.errors import InvalidPath, NothingGranted, PolicyTooLarge
from vendor.names import Bucket, Prefix, parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.caller import CallerStatement, Pattern, UnsupportedPolicy, parse_caller_policy
from vendor.policy.document import Allow, SessionPolicy, render
from vendor.policy.grant import Grant, Level
from vendor.policy.reach import Reach, reaches
from vendor.policy.scope import minimal

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Carved:
    """The document of what both allow, and for the record the grants it stems from, cut to what it can reach.

    Where the caller allowed only some actions of a level, the document allows less than `grants` say, never more.
    """

    policy: SessionPolicy
    grants: tuple[Grant, ...]


def intersect(grants: Sequence[Grant], document: str, access: AccessTable, limit: int) -> Carved:
    """Return what `grants` and the caller's policy `document` both allow.

    Raises UnsupportedPolicy, NothingGranted if they have nothing in common, and PolicyTooLarge.
    """
    caller = parse_caller_policy(document)
    fewest = minimal(grants)
    cuts = [_cut(reach, caller, access) for reach in reaches(fewest)]
    statements = [statement for cut in cuts for statement in cut.statements(access)]
    if not statements:
        raise NothingGranted("The policy sent along leaves nothing of what is granted to you.")
    policy = render(statements)
    recorded = _recorded(fewest, cuts, access)
    if policy.bytes > limit:
        largest = [{"path": f"s3://{grant.bucket}/{grant.prefix}", "access": grant.level.value} for grant in recorded]
        largest.sort(key=lambda entry: -len(entry["path"]))
        raise PolicyTooLarge(size=policy.bytes, limit=limit, largest=largest[:_SHOWN], split_possible=False)
    return Carved(policy, recorded)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is left of one bucket: patterns by action, as `folder/*` or key."""

    bucket: Bucket
    on_bucket: tuple[str, ...]
    listings: dict[str, tuple[str, ...]]
    objects: dict[str, tuple[str, ...]]

    def statements(self, access: AccessTable) -> Iterable[Allow]:
        if self.on_bucket:
            yield Allow(access.spelled(self.on_bucket), (self.bucket,))
        for listed, actions in _joined(self.listings):
            yield Allow(access.spelled(actions), (self.bucket,), listed)
        for actions, patterns in _joined(_by_pattern(self.objects)):
            yield Allow(access.spelled(actions), tuple(f"{self.bucket}/{pattern}" for pattern in patterns))


def _cut(reach: Reach, caller: Sequence[CallerStatement], access: AccessTable) -> _Cut:
    on_bucket = [action for action in access.bucket if _allowed_on_bucket(reach.bucket, action, caller)]
    listings = {action: _listings(reach, action, caller) for action in access.listing}
    objects: dict[str, tuple[str, ...]] = {}
    for action in access.on_objects(Level.WRITE):
        opened = reach.written if action in access.write else reach.read + reach.written
        objects[action] = _objects(reach.bucket, opened, action, caller)
    return _Cut(reach.bucket, tuple(on_bucket), listings, objects)


def _allowed_on_bucket(bucket: Bucket, action: str, caller: Sequence[CallerStatement]) -> bool:
    return any(
        one.listed is None and one.allows_action(action) and any(pattern.matches(bucket) for pattern in one.resources)
        for one in caller
    )


def _listings(reach: Reach, action: str, caller: Sequence[CallerStatement]) -> tuple[str, ...]:
    everything = (Pattern("", open=True),)
    found: set[Pattern] = set()
    for one in caller:
        if one.allows_action(action) and any(pattern.matches(reach.bucket) for pattern in one.resources):
            for ours in _patterns(reach.listed):
                found.update(_both(ours, theirs) for theirs in one.listed or everything if _meet(ours, theirs))
    return _written(found)


def _objects(bucket: Bucket, opened: Iterable[str], action: str, caller: Sequence[CallerStatement]) -> tuple[str, ...]:
    found: set[Pattern] = set()
    for one in caller:
        if one.listed is None and one.allows_action(action):
            for ours in _patterns(f"{bucket}/{pattern}" for pattern in opened):
                found.update(_both(ours, theirs) for theirs in one.resources if _meet(ours, theirs))
    return _written({Pattern(pattern.text.removeprefix(f"{bucket}/"), pattern.open) for pattern in found})


def _patterns(texts: Iterable[str]) -> list[Pattern]:
    return [Pattern(text.removesuffix("*"), open=text.endswith("*")) for text in texts]


def _meet(ours: Pattern, theirs: Pattern) -> bool:
    return theirs.matches(ours.text) or ours.matches(theirs.text)


def _both(ours: Pattern, theirs: Pattern) -> Pattern:
    """Return what two patterns that meet have in common: the longer text, open if both are."""
    if theirs.matches(ours.text) and not (ours.open and not theirs.open):
        return ours
    if theirs.open and not theirs.text.endswith("/"):
        raise UnsupportedPolicy(
            "A folder must end in '/*': without the slash, its name begins other folders' names, too."
        )
    return theirs


def _written(patterns: set[Pattern]) -> tuple[str, ...]:
    """Write patterns, leaving out those inside another.  What the caller added must be a path that we accept, too."""
    for pattern in patterns:
        try:
            parse_prefix(pattern.text)
        except InvalidPath as refusal:
            raise UnsupportedPolicy(f"The policy names a path that cannot be granted: {refusal.message}") from None
    folders: list[str] = []
    for text in sorted(pattern.text for pattern in patterns if pattern.open):
        if not folders or not text.startswith(folders[-1]):
            folders.append(text)
    keys = sorted(
        pattern.text
        for pattern in patterns
        if not pattern.open and not any(pattern.text.startswith(folder) for folder in folders)
    )
    return (*(f"{folder}*" for folder in folders), *keys)


def _by_pattern(actions: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Turn patterns by action into actions by pattern."""
    turned: dict[str, tuple[str, ...]] = {}
    for action, patterns in actions.items():
        for pattern in patterns:
            turned[pattern] = (*turned.get(pattern, ()), action)
    return turned


def _joined(lists: dict[str, tuple[str, ...]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return each list with all that have it, so that it is written once."""
    joined: dict[tuple[str, ...], tuple[str, ...]] = {}
    for owner, values in lists.items():
        if values:
            joined[values] = (*joined.get(values, ()), owner)
    return list(joined.items())


def _recorded(grants: Sequence[Grant], cuts: Sequence[_Cut], access: AccessTable) -> tuple[Grant, ...]:
    """Cut the grants to the folders and keys that are left of them."""
    recorded: list[Grant] = []
    for cut in cuts:
        writable = {pattern for action in access.write for pattern in cut.objects[action]}
        readable = {pattern for patterns in (*cut.listings.values(), *cut.objects.values()) for pattern in patterns}
        for grant in grants:
            if grant.bucket == cut.bucket:
                recorded.extend(_pieces(grant, readable - writable, Level.READ))
                if grant.level is Level.WRITE:
                    recorded.extend(_pieces(grant, writable, Level.WRITE))
    return minimal(recorded)


def _pieces(grant: Grant, patterns: Iterable[str], level: Level) -> Iterable[Grant]:
    for pattern in _patterns(patterns):
        if pattern.text.startswith(grant.prefix) or (grant.with_key and pattern.text == grant.key):
            prefix = Prefix(pattern.text if pattern.text.endswith("/") else pattern.text + "/")
            yield Grant(grant.bucket, prefix, level, grant.source, not pattern.open, grant.expires_at)
