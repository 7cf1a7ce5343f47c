"""Where stores are known to answer otherwise than their rules say.  docs/policies.md explains each of them by name.

A deviation says which requests it is about, and either what the store answers to them or how it reads them.  A request
that is under none of them has to be answered as the oracle says; nothing is left out.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from vendor.policy.oracle import Decision, Reading, S3Request, decide


class Outcome(StrEnum):
    """How a store answers."""

    ALLOWED = "allowed"  # whatever becomes of it then
    DENIED = "denied"
    MALFORMED = "malformed"  # refused as no valid request, whoever asks


Read = Callable[[str, S3Request], tuple[str, S3Request]]
"""How a store reads a document and a request: as if they were these."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A named difference."""

    name: str
    stores: frozenset[str]
    about: Callable[[S3Request], bool]
    then: Outcome | Read


def expected(kind: str, document: str, request: S3Request, reading: Reading) -> tuple[Outcome, tuple[str, ...]]:
    """Return what a store has to answer, and the deviations that this takes into account."""
    names: tuple[str, ...] = ()
    for deviation in DEVIATIONS:
        if kind in deviation.stores and deviation.about(request):
            names = (*names, deviation.name)
            if isinstance(deviation.then, Outcome):
                return deviation.then, names
            document, request = deviation.then(document, request)
    allowed = decide(document, request, reading) is Decision.ALLOWED
    return (Outcome.ALLOWED if allowed else Outcome.DENIED), names


def _does(action: str) -> Callable[[S3Request], bool]:
    return lambda request: request.action == action


def _as(action: str) -> Read:
    return lambda document, request: (document, replace(request, action=action))


def _key(change: Callable[[str], str]) -> Read:
    return lambda document, request: (document, replace(request, key=change(request.key or "")))


def _without_case(document: str, request: S3Request) -> tuple[str, S3Request]:
    folded = json.loads(document)
    for statement in folded["Statement"]:
        statement["Resource"] = [resource.lower() for resource in statement["Resource"]]
    return json.dumps(folded), replace(request, key=(request.key or "").lower())


def _without_patterns_before_a_star(document: str, request: S3Request) -> tuple[str, S3Request]:
    """Leave out each pattern `folder/*` where the request goes on with a star and more: the store takes the pattern's
    star for that one and finds text left over.  It denies more than it should, never less."""
    changed = json.loads(document)
    kept = []
    for statement in changed["Statement"]:
        text = f"arn:aws:s3:::{request.bucket}/{request.key}"
        statement["Resource"] = [one for one in statement["Resource"] if not _ends_at_a_star(one, text)]
        if "Condition" in statement:
            listed = statement["Condition"]["StringLike"]
            listed["s3:prefix"] = [one for one in listed["s3:prefix"] if not _ends_at_a_star(one, _listed(request))]
            kept += [statement] if listed["s3:prefix"] else []
        elif statement["Resource"]:
            kept.append(statement)
    return json.dumps({**changed, "Statement": kept}), request


def _ends_at_a_star(pattern: str, text: str) -> bool:
    return pattern.endswith("*") and text.startswith(pattern) and text != pattern


def _dotted(text: str) -> bool:
    return not {".", ".."}.isdisjoint(text.split("/"))


def _listed(request: S3Request) -> str:
    return "".join(request.context.get("s3:prefix", ()))


SEAWEEDFS, JUICEFS, MINIO = frozenset({"seaweedfs"}), frozenset({"juicefs"}), frozenset({"minio"})
MINISTACK = frozenset({"ministack"})

DEVIATIONS = (
    Deviation(
        "dot-segments-are-malformed",
        SEAWEEDFS | JUICEFS | MINIO,
        lambda request: _dotted(request.key or ""),
        Outcome.MALFORMED,
    ),
    Deviation(
        "dot-segments-in-a-listing-are-malformed",
        JUICEFS | MINIO,
        lambda request: _dotted(_listed(request)),
        Outcome.MALFORMED,
    ),
    Deviation(
        "a-bypass-without-locks-is-a-plain-delete",
        SEAWEEDFS | JUICEFS | MINIO,
        _does("s3:BypassGovernanceRetention"),
        _as("s3:DeleteObject"),
    ),
    Deviation(
        "retention-needs-a-bucket-with-locks", JUICEFS | MINIO, _does("s3:PutObjectRetention"), Outcome.MALFORMED
    ),
    Deviation("acls-are-not-implemented", JUICEFS, _does("s3:PutObjectAcl"), Outcome.MALFORMED),
    Deviation("the-null-version-is-the-object", JUICEFS | MINIO, _does("s3:GetObjectVersion"), _as("s3:GetObject")),
    Deviation(
        "versions-are-listed-like-objects", JUICEFS | MINIO, _does("s3:ListBucketVersions"), _as("s3:ListBucket")
    ),
    Deviation("there-are-no-versions-to-delete", JUICEFS, _does("s3:DeleteObjectVersion"), _as("s3:DeleteObject")),
    Deviation(
        "a-leading-slash-is-dropped",
        SEAWEEDFS | JUICEFS | MINIO | MINISTACK,
        lambda request: (request.key or "").startswith("/"),
        _key(lambda key: key.removeprefix("/")),
    ),
    Deviation(
        "a-trailing-slash-is-dropped",
        MINISTACK,
        lambda request: (request.key or "").endswith("/"),
        _key(lambda key: key.removesuffix("/")),
    ),
    Deviation(
        "empty-segments-collapse",
        SEAWEEDFS,
        lambda request: "//" in (request.key or ""),
        _key(lambda key: re.sub("/+", "/", key)),
    ),
    Deviation("keys-match-ignoring-case", SEAWEEDFS, lambda request: request.key is not None, _without_case),
    Deviation(
        "a-star-right-after-the-prefix-is-denied",
        SEAWEEDFS,
        lambda request: "*" in (request.key or _listed(request)),
        _without_patterns_before_a_star,
    ),
)
