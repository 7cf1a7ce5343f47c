"""Random grants, and requests that are built from their pieces to slip past them."""

import os
from dataclasses import dataclass

from hypothesis import strategies as st

from vendor.names import Bucket, parse_prefix
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.oracle import S3Request

PAIRS = int(os.environ.get("VENDOR_POLICY_PAIRS", "4000"))
"""How many (grant set, request) pairs the differential test tries: `VENDOR_POLICY_PAIRS=200000` for a night."""
REQUESTS_PER_SET = 20

BUCKETS = ("lake", "lakes", "data")
SEGMENTS = ("a", "b", "ab", "a-b", "a.b", "A", "aa", "kbase", "kbase2", "x y", "ä", "日本", "<&>", "o'q\"", "a+%b", "~")
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


grant_sets = st.lists(grants(), min_size=1, max_size=8)


@dataclass(frozen=True, slots=True)
class Case:
    """A set of grants and requests to hold against it."""

    grants: tuple[Grant, ...]
    requests: tuple[S3Request, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A set of grants with requests made from their own pieces."""
    chosen = tuple(draw(grant_sets))
    keys = st.builds(_key, st.sampled_from(chosen), st.sampled_from(chosen), st.sampled_from(_TWISTS))
    requests = draw(st.lists(_requests(keys), min_size=REQUESTS_PER_SET, max_size=REQUESTS_PER_SET))
    return Case(chosen, tuple(requests))


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


def _key(one: Grant, other: Grant, twist: str) -> str:
    shapes = {"{p}": one.prefix, "{k}": one.key, "{q}": other.prefix, "{u}": one.prefix.swapcase()}
    for mark, text in shapes.items():
        twist = twist.replace(mark, text)
    return twist


def _listing_of_versions(bucket: str, prefix: str) -> S3Request:
    return S3Request("s3:ListBucketVersions", bucket, None, {"s3:prefix": (prefix,)})


def _requests(keys: st.SearchStrategy[str]) -> st.SearchStrategy[S3Request]:
    buckets = st.sampled_from(BUCKETS)
    on_object = st.sampled_from(READING * 3 + WRITING * 2 + NEVER)
    return st.one_of(
        st.builds(S3Request, on_object, buckets, keys.filter(bool)),
        st.builds(S3Request.listing, buckets, st.none() | keys),
        st.builds(_listing_of_versions, buckets, keys),
        st.builds(S3Request, st.sampled_from(NEVER_ON_BUCKET), buckets),
    )


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
