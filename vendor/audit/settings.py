"""The settings of the audit log; a part of `vendor.settings`, with the same rules."""

from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vendor.secret import Secret

SINKS: Final = ("file", "stdout", "webhook", "s3")


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError("is not an http(s) URL without user and password")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError("must be https")
    return text


def _as_secret(value: object) -> object:
    return Secret(value) if isinstance(value, str) else value


SecretText = Annotated[Secret, BeforeValidator(_as_secret)]
_Url = Annotated[str, AfterValidator(_url)]


class AuditSettings(BaseModel):
    """What is to become of the audit log."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    audit_keys_dir: Path | None = None
    audit_key: SecretText | None = None
    audit_keep_days: int | None = Field(default=None, ge=1, le=36_500)
    audit_best_effort: str | None = Field(
        default=None, pattern=r"^(file|stdout|webhook|s3)(,(file|stdout|webhook|s3)){0,3}$"
    )
    audit_file_dir: Path | None = None
    audit_file_bytes: int = Field(default=134_217_728, ge=65_536, le=17_179_869_184)
    audit_stdout: bool = False
    audit_webhook_url: _Url | None = None
    audit_webhook_secret: SecretText | None = None
    audit_s3_endpoint: _Url | None = None
    audit_s3_region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$")
    audit_s3_bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    audit_s3_prefix: str = Field(default="audit/", pattern=r"^([A-Za-z0-9._-]+/){0,8}$")
    audit_s3_access_key: str | None = None
    audit_s3_secret_key: SecretText | None = None
    audit_s3_lock_days: int | None = Field(default=None, ge=1, le=36_500)

    @model_validator(mode="after")
    def _audit_fits_together(self) -> Self:
        problems = []
        if self.audit_key is not None and self.audit_keys_dir is not None:
            problems.append("VENDOR_AUDIT_KEY and VENDOR_AUDIT_KEYS_DIR exclude each other.")
        if (self.audit_webhook_url is None) != (self.audit_webhook_secret is None):
            problems.append("VENDOR_AUDIT_WEBHOOK_URL and VENDOR_AUDIT_WEBHOOK_SECRET belong together.")
        bucket = (self.audit_s3_endpoint, self.audit_s3_bucket, self.audit_s3_access_key, self.audit_s3_secret_key)
        if None in bucket and bucket != (None,) * 4:
            problems.append("VENDOR_AUDIT_S3_ENDPOINT, _BUCKET, _ACCESS_KEY and _SECRET_KEY belong together.")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def audit_required(self) -> tuple[str, ...]:
        """The configured sinks that must have an event before it may leave Redis."""
        configured = {
            "file": self.audit_file_dir is not None,
            "stdout": self.audit_stdout,
            "webhook": self.audit_webhook_url is not None,
            "s3": self.audit_s3_bucket is not None,
        }
        spared = (self.audit_best_effort or "").split(",")
        return tuple(name for name in SINKS if configured[name] and name not in spared)
