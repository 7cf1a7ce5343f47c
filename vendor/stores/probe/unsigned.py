"""Whether anything is written without a good signature.

MinIO knows two kinds of uploads whose signature some of its versions never look at (GHSA-9c4q-hq6p-c237 and the
unpacking of archives): whoever has seen an access key id, in a log or a presigned URL, writes as its owner.
"""

import io
import tarfile
from datetime import UTC, datetime
from typing import Final

from vendor.stores.probe.check import Check, Finding, check, failed
from vendor.stores.probe.trial import Trial, summary
from vendor.stores.s3 import Call, path_of

_TRAILER: Final = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
_NO_SIGNATURE: Final = "0" * 64


@check(
    "unsigned-upload",
    shows="knowing an access key id is not enough to write",
    advice="Whoever has seen an access key id can write as its owner. Put deploy/nginx before this store.",
)
async def unsigned_upload(trial: Trial) -> Finding:
    seen = []
    for call in (in_the_query(trial, trial.ground.mine + "unsigned"), _unpacked(trial)):
        reply = await trial.s3.send(None, call)
        if reply.fine:
            return failed("an upload with a made-up signature was accepted")
        seen.append(reply.short)
    return await trial.unless_all_is_denied(summary(seen))


def in_the_query(trial: Trial, key: str) -> Call:
    """Return an upload in chunks whose keys are named in the query."""
    return Call(
        "PUT",
        path_of(trial.ground.bucket, key),
        (
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", _credential(trial)),
            ("X-Amz-Date", _date(trial)),
            ("X-Amz-Expires", "604800"),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Security-Token", trial.mine.session_token.reveal()),
            ("X-Amz-Signature", _NO_SIGNATURE),
        ),
        headers=_TRAILER
        | {
            "x-amz-decoded-content-length": "5",
            "x-amz-trailer": "x-amz-checksum-crc32",
            "content-encoding": "aws-chunked",
        },
        body=b"5\r\nvendo\r\n0\r\nx-amz-checksum-crc32:Ip3RAw==\r\n\r\n",
    )


def _unpacked(trial: Trial) -> Call:
    """An archive to be unpacked into the folder."""
    signed = "host;x-amz-content-sha256;x-amz-date"
    return Call(
        "PUT",
        path_of(trial.ground.bucket, trial.ground.mine + "archive.tar"),
        headers=_TRAILER
        | {
            "authorization": f"AWS4-HMAC-SHA256 Credential={_credential(trial)}, SignedHeaders={signed}, "
            f"Signature={_NO_SIGNATURE}",
            "x-amz-date": _date(trial),
            "x-amz-security-token": trial.mine.session_token.reveal(),
            "x-amz-meta-snowball-auto-extract": "true",
            "x-amz-meta-minio-snowball-prefix": str(trial.ground.mine),
        },
        body=_archive(),
    )


def _date(trial: Trial) -> str:
    """The present: a signature that is only too old would be refused for that."""
    return datetime.fromtimestamp(trial.terms.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")


def _credential(trial: Trial) -> str:
    return f"{trial.mine.access_key_id}/{_date(trial)[:8]}/{trial.store.settings.region}/s3/aws4_request"


def _archive() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("unpacked"))
    return written.getvalue()


CHECKS: Final[tuple[Check, ...]] = (unsigned_upload,)
