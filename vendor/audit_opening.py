"""Make what looks after the audit log, as the settings want it."""

from collections.abc import Iterator, Mapping

import structlog

from vendor.audit.parts import AuditParts, Keeping
from vendor.audit.sinks.bucket import BucketSink
from vendor.audit.sinks.files import FileSink
from vendor.audit.sinks.sink import Sink
from vendor.audit.sinks.stdout import StdoutSink
from vendor.audit.sinks.webhook import WebhookSink
from vendor.database import Database
from vendor.identity.keyring import KeyringError
from vendor.identity.seal import SealKeys
from vendor.secret import SecretKey, SessionToken
from vendor.settings import Settings
from vendor.stores.credentials import Credentials
from vendor.stores.s3 import S3, Call, path_of
from vendor.times import Clock

_log = structlog.get_logger(__name__)


def open_audit(settings: Settings, database: Database, stream: str, clock: Clock) -> AuditParts:
    """Make all of it.  Raises KeyringError for keys that were asked for and cannot be used.

    Without keys nothing is sealed, so nothing can be exported, delivered or trimmed either.
    """
    try:
        signer = SealKeys.open(folder=settings.audit_keys, pem=settings.audit_key, clock=clock)
    except KeyringError as problem:
        if settings.audit_keys_dir is not None or settings.audit_key is not None:
            raise
        signer = None
        _log.warning("the audit log is not sealed", problem=str(problem), remedy="set VENDOR_AUDIT_KEYS_DIR")
    keeping = None
    if settings.audit_keep_days is not None:
        keeping = Keeping(settings.audit_keep_days * 86_400, settings.audit_required)
    return AuditParts.open(
        database,
        stream,
        signer=signer,
        gateway=settings.public_url,
        clock=clock,
        sinks=list(_sinks(settings, clock)),
        keeping=keeping,
    )


def _sinks(settings: Settings, clock: Clock) -> Iterator[Sink]:
    if settings.audit_file_dir is not None:
        yield FileSink(settings.audit_file_dir, settings.audit_file_bytes)
    if settings.audit_stdout:
        yield StdoutSink()
    if settings.audit_webhook_url is not None and settings.audit_webhook_secret is not None:
        yield WebhookSink(settings.audit_webhook_url, settings.audit_webhook_secret, clock)
    if settings.audit_s3_bucket is not None:
        yield _bucket(settings, clock)


def _bucket(settings: Settings, clock: Clock) -> BucketSink:
    """Return the sink of the audit bucket, which is written with a key that is for nothing else."""
    s3 = S3(settings.audit_s3_endpoint or "", settings.audit_s3_region)
    secret = settings.audit_s3_secret_key.reveal() if settings.audit_s3_secret_key is not None else ""
    keys = Credentials(settings.audit_s3_access_key or "", SecretKey(secret), SessionToken(""), float("inf"))
    bucket = settings.audit_s3_bucket or ""

    async def put(key: str, body: bytes, headers: Mapping[str, str]) -> int:
        return (await s3.send(keys, Call("PUT", path_of(bucket, key), headers=headers, body=body))).status

    return BucketSink(put, s3.close, settings.audit_s3_prefix, settings.audit_s3_lock_days, clock)
