"""Policy documents as MMS wrote them, and the shares that it merged into them.

MMS keeps a share nowhere but in the target's own policy: `p` and `p/*` beside the target's own folders, under GetObject
for reading, also under PutObject and (`p/*` alone) under DeleteObject for writing.  MinIO may since have joined
statements and made lists of single values, so actions and resources are taken apart here, whatever their grouping.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from vendor.policy.grant import Level

ARN = "arn:aws:s3:::"
_GET, _PUT, _DELETE, _LIST = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"
_KNOWN = frozenset({_GET, _PUT, _DELETE, _LIST, "s3:GetBucketLocation", "s3:ListAllMyBuckets"})


@dataclass(slots=True)
class Allowed:
    """What a document allows: action → resources without their ARN's beginning.  `odd` is what was not understood."""

    resources: dict[str, set[str]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def of(self, action: str) -> set[str]:
        """Return the resources of one action."""
        return self.resources.get(action, set())


@dataclass(frozen=True, slots=True)
class Merged:
    """A share found in a document.  `path` is `bucket/key`, as MMS wrote it."""

    path: str
    level: Level


def allowed(document: object) -> Allowed:
    """Take a document apart."""
    found = Allowed()
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list):
        found.odd.append("it is no policy document")
        return found
    for statement in statements:
        problem = _take(statement, found)
        if problem is not None:
            found.odd.append(problem)
    return found


def merged_shares(found: Allowed, is_own: Callable[[str], bool]) -> tuple[list[Merged], list[tuple[str, str]]]:
    """Return the shares in a document whose owner's own paths `is_own` tells, and (path, why) of what is not one.

    Only what is there in full counts: a share that lacks a part of its rights is read as what is left of it.
    """
    shares: list[Merged] = []
    odd: list[tuple[str, str]] = []
    paths = sorted({_base(one) for action in (_GET, _PUT, _DELETE) for one in found.of(action)})
    foreign = [path for path in paths if not is_own(path)]
    holes = {path.rpartition("/")[0] for path in foreign if _is_pattern(path)}
    for path in foreign:
        level = _level(found, path)
        if _is_pattern(path):
            odd.append((path, "a share with a wildcard, which is no path here; ask its owner to share the folder"))
        elif level is None:
            odd.append((path, "less than the rights of a share to read"))
        elif path in holes and level is Level.READ:
            odd.append((path, "only there because a share with a wildcard opened the folder that it lies in"))
        else:
            shares.append(Merged(path, level))
            if level is Level.READ and (found.of(_PUT) | found.of(_DELETE)) & {path, f"{path}/*"}:
                odd.append((path, "some of the rights of a share to write; taken over as a share to read"))
    return shares, odd


def _take(statement: object, found: Allowed) -> str | None:
    if not isinstance(statement, Mapping):
        return "a statement is no object"
    if statement.get("Effect") != "Allow":
        return "a statement does not allow"
    if statement.keys() & {"NotAction", "NotResource", "Principal", "NotPrincipal"}:
        return "a statement has a member that MMS never writes"
    actions, resources = _texts(statement.get("Action")), _texts(statement.get("Resource"))
    if not actions or not resources:
        return "a statement has no actions or no resources"
    if statement.get("Condition") and actions != [_LIST]:
        return "a statement has a condition on something else than listing"
    unknown = sorted(set(actions) - _KNOWN)
    for action in set(actions) & _KNOWN:
        found.resources.setdefault(action, set()).update(_without_arn(resources))
    return f"a statement allows {', '.join(unknown)}" if unknown else None


def _without_arn(resources: list[str]) -> Iterator[str]:
    return (one.removeprefix(ARN) for one in resources if one.startswith(ARN))


def _texts(value: object) -> list[str]:
    listed = [value] if isinstance(value, str) else value
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _base(resource: str) -> str:
    return resource.removesuffix("/*")


def _is_pattern(path: str) -> bool:
    return "*" in path or "?" in path


def _level(found: Allowed, path: str) -> Level | None:
    both = {path, f"{path}/*"}
    if not both <= found.of(_GET):
        return None
    return Level.WRITE if both <= found.of(_PUT) and f"{path}/*" in found.of(_DELETE) else Level.READ
