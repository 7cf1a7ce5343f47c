"""Random grants, and requests that are built from their pieces to slip past them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from vendor.names import Bucket, parse_prefix
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.oracle import S3Request

PAIRS = int(os.environ.get("VENDOR_POLICY_PAIRS", "4000"))
"""How many (grant set, request) pairs the differential test tries: `VENDOR_POLICY_PAIRS=200000` for a night."""
REQUESTS_PER_SET = 20

BUCKETS = ("lake", "lakes", "data")
SEGMENTS = ("a", "b", "ab", "a-b", "a.b", "A", "aa", "kbase", "kbase2", "x y", "ä", "日本", "<&>", "o'q\"", "a+%z", "~")
READING = ("s3:GetObject",)
WRITING = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
NEVER = (
    "s3:GetObjectVersion",
    "s3:PutObjectAcl",
    "s3:BypassGovernanceRetention",
    "s3:PutObjectRetention",
    "s3:DeleteObjectVersion",
    "s3:PutObjectTagging",
)
NEVER_ON_BUCKET = (
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutBucketPolicy",
    "s3:GetBucketLocation",
    "s3:DeleteBucket",
)

prefixes = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda parts: parse_prefix("/".join(parts)))


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """One grant; few buckets and segments, so that several of them overlap, nest and neighbour."""
    return Grant(
        Bucket(draw(st.sampled_from(BUCKETS))),
        draw(prefixes),
        draw(st.sampled_from(Level)),
        Source(draw(st.sampled_from(("home", "tenant:kbase", "share:s_1", "share:s_2")))),
        with_key=draw(st.booleans()),
    )


_RELATIONS: dict[str, Callable[[str, str], str]] = {
    # how the prefix of one grant follows from that of another
    "same": lambda prefix, name: prefix,
    "child": lambda prefix, name: f"{prefix}{name}/",
    "parent": lambda prefix, name: prefix.rpartition("/")[0].rpartition("/")[0] or prefix,
    "twin": lambda prefix, name: f"{prefix.removesuffix('/')}2/",
    "brother": lambda prefix, name: f"{prefix.removesuffix('/').rpartition('/')[0]}/{name}/".lstrip("/"),
}


@st.composite
def grant_sets(draw: st.DrawFn) -> list[Grant]:
    """Up to eight grants, most of them related to one another: nested, doubled, neighbouring."""
    chosen = [draw(grants())]
    for _ in range(draw(st.integers(0, 7))):
        fresh = draw(grants())
        kin = draw(st.sampled_from(chosen))
        relation = draw(st.sampled_from(("none", *_RELATIONS)))
        if relation != "none":
            prefix = parse_prefix(_RELATIONS[relation](kin.prefix, draw(st.sampled_from(SEGMENTS))))
            fresh = replace(fresh, prefix=prefix, bucket=draw(st.sampled_from((kin.bucket, kin.bucket, fresh.bucket))))
        chosen.append(fresh)
    return chosen


@dataclass(frozen=True, slots=True)
class Case:
    """A set of grants and requests to hold against it."""

    grants: tuple[Grant, ...]
    requests: tuple[S3Request, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A set of grants with requests made from their own pieces."""
    chosen = tuple(draw(grant_sets()))
    places = st.builds(_place, st.sampled_from(chosen), st.sampled_from(chosen), st.sampled_from(_TWISTS), _OTHERWISE)
    requests = draw(st.lists(_requests(places), min_size=REQUESTS_PER_SET, max_size=REQUESTS_PER_SET))
    return Case(chosen, tuple(requests))


_OTHERWISE = st.sampled_from((None, None, None, *BUCKETS))
_Place = tuple[str, str]


# How a request's key is made from two grants' prefixes: inside, at the edge, beside, above, or trying to be a pattern.
_TWISTS = (
    "{p}x",
    "{p}x/y",
    "{p}",
    "{k}",
    "{k}2/x",
    "{k}-x",
    "{k}.",
    "{p}{q}x",
    "{k}{q}x",
    "{q}{p}",
    "{q}../{p}x",
    "{p}../x",
    "{k}//x",
    "/{p}x",
    "*",
    "{k}*",
    "{p}*/x",
    "?{p}x",
    "${{k}}/x",
    "{u}x",
    "x/{p}x",
    "",
)


def _place(one: Grant, other: Grant, twist: str, bucket: str | None) -> _Place:
    """Return a bucket, mostly that of `one`, and a key."""
    shapes = {"{p}": one.prefix, "{k}": one.key, "{q}": other.prefix, "{u}": one.prefix.swapcase()}
    for mark, text in shapes.items():
        twist = twist.replace(mark, text)
    return bucket or one.bucket, twist


_ON_OBJECT = st.sampled_from(READING * 3 + WRITING * 2 + NEVER)


def _requests(places: st.SearchStrategy[_Place]) -> st.SearchStrategy[S3Request]:
    buckets = st.sampled_from(BUCKETS)
    return st.one_of(
        st.builds(_on_object, _ON_OBJECT, places),
        st.builds(_on_object, _ON_OBJECT, places),
        st.builds(_listing, st.just("s3:ListBucket"), places),
        st.builds(_listing, st.sampled_from(("s3:ListBucket", "s3:ListBucketVersions")), places),
        st.builds(S3Request, st.sampled_from(("s3:ListBucket", *NEVER_ON_BUCKET)), buckets),
    )


def _on_object(action: str, place: _Place) -> S3Request:
    return S3Request(action, place[0], place[1] or "x")


def _listing(action: str, place: _Place) -> S3Request:
    return S3Request(action, place[0], None, {"s3:prefix": (place[1],)})


def expected(chosen: tuple[Grant, ...], request: S3Request) -> bool:
    """The plain definition: some grant covers it."""
    if request.action in READING + WRITING and request.key is not None:
        level = Level.READ if request.action in READING else Level.WRITE
        return any(grant.covers_object(request.bucket, request.key, level) for grant in chosen)
    if request.action == "s3:ListBucket":
        (prefix,) = request.context.get("s3:prefix", (None,))
        return prefix is not None and any(
            grant.bucket == request.bucket and prefix.startswith(grant.prefix) for grant in chosen
        )
    return False
