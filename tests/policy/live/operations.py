"""One permission check as a real S3 call.

A call that is allowed may still fail (there is no such key); only a refusal for want of permission counts as denied.
What a call leaves behind is removed by the administrator at once, so that no two calls are in each other's way.
"""

import base64
import hashlib
import re
from collections.abc import Callable

from tests.policy.live.wire import Answer, Wire
from vendor.policy.oracle import S3Request

_TAGS = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
_RETENTION = b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2040-01-01T00:00:00Z</RetainUntilDate></Retention>"
_POLICY = b'{"Version":"2012-10-17","Statement":[]}'
_UPLOAD = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_NO_UPLOAD = {"uploadId": "none"}


def perform(lease: Wire, admin: Wire, request: S3Request, turn: int, *, make_object: bool = False) -> Answer:
    """Make the call that needs `request`; where several do, `turn` chooses.

    With `make_object` the object is there while the call is made: AWS answers 403 for one that is missing, unless the
    caller may list the whole bucket.
    """
    calls = _CALLS[request.action]
    if make_object and request.key:
        admin.call("PUT", request.bucket, request.key, body=b"x")
    answer = calls[turn % len(calls)](lease, admin, request)
    if make_object and request.key:
        admin.call("DELETE", request.bucket, request.key)
    return answer


def _plain(method: str, query: dict[str, str] | None = None, body: bytes = b"") -> Callable[..., Answer]:
    def call(lease: Wire, _admin: Wire, request: S3Request) -> Answer:
        headers = {"content-md5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}
        return lease.call(method, request.bucket, request.key or "", query, body=body, headers=headers if body else {})

    return call


def _put(lease: Wire, admin: Wire, request: S3Request) -> Answer:
    answer = lease.call("PUT", request.bucket, request.key or "", body=b"x")
    if answer.status == 200:
        admin.call("DELETE", request.bucket, request.key or "")
    return answer


def _bypass(lease: Wire, _admin: Wire, request: S3Request) -> Answer:
    return lease.call(
        "DELETE", request.bucket, request.key or "", headers={"x-amz-bypass-governance-retention": "true"}
    )


def _start_upload(lease: Wire, admin: Wire, request: S3Request) -> Answer:
    answer = lease.call("POST", request.bucket, request.key or "", {"uploads": ""})
    if upload := _UPLOAD.search(answer.body):
        admin.call("DELETE", request.bucket, request.key or "", {"uploadId": upload[1].decode()})
    return answer


def _list(version: dict[str, str]) -> Callable[..., Answer]:
    def call(lease: Wire, _admin: Wire, request: S3Request) -> Answer:
        prefix = request.context.get("s3:prefix")
        return lease.call("GET", request.bucket, "", {**version, "prefix": prefix[0]} if prefix else version)

    return call


_CALLS: dict[str, tuple[Callable[..., Answer], ...]] = {
    "s3:GetObject": (_plain("GET"), _plain("HEAD")),
    "s3:PutObject": (_put, _start_upload, _plain("PUT", {"partNumber": "1", **_NO_UPLOAD}, b"part")),
    "s3:DeleteObject": (_plain("DELETE"),),
    "s3:AbortMultipartUpload": (_plain("DELETE", _NO_UPLOAD),),
    "s3:ListMultipartUploadParts": (_plain("GET", _NO_UPLOAD),),
    "s3:ListBucket": (_list({"list-type": "2"}), _list({}), _list({"list-type": "2", "delimiter": "/"})),
    "s3:GetObjectVersion": (_plain("GET", {"versionId": "null"}),),
    "s3:DeleteObjectVersion": (_plain("DELETE", {"versionId": "null"}),),
    "s3:PutObjectAcl": (_plain("PUT", {"acl": ""}),),
    "s3:PutObjectTagging": (_plain("PUT", {"tagging": ""}, _TAGS),),
    "s3:PutObjectRetention": (_plain("PUT", {"retention": ""}, _RETENTION),),
    "s3:ListBucketVersions": (_list({"versions": ""}),),
    "s3:ListBucketMultipartUploads": (_plain("GET", {"uploads": ""}),),
    "s3:PutBucketPolicy": (_plain("PUT", {"policy": ""}, _POLICY),),
    "s3:GetBucketLocation": (_plain("GET", {"location": ""}),),
    "s3:DeleteBucket": (_plain("DELETE"),),
    "s3:BypassGovernanceRetention": (_bypass,),
}
