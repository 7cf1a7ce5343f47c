"""Configuration from the environment: `VENDOR_*`, and for secrets also `VENDOR_*_FILE`.

Everything is read and checked once at start; each mistake gets one sentence that names the variable.  Stores beside the
default one are files of such lines, each read as if its lines stood in the environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from vendor.audit.settings import AuditSettings, SecretText
from vendor.doors.metrics_access import MetricsAccess, Readers
from vendor.environment import STORE_PREFIX, SettingsError, collect, sentences, store_files, store_lines
from vendor.errors import InvalidName
from vendor.leases.duration import DurationRules
from vendor.leases.lease import DEFAULT_STORE
from vendor.leases.shield.gate import Rate
from vendor.names import TenantName, parse_tenant_name
from vendor.policy.grant import Access
from vendor.policy.roles import Roles
from vendor.redis_address import parse_address
from vendor.secret import Secret
from vendor.stewardship.desk import Joins
from vendor.stores.profile import PROFILES, Mode, StoreCheck, StoreKind
from vendor.stores.store import ServiceKey, StoreSettings

SECRETS: Final = (
    "REDIS_URL",
    "STORE_SECRET_KEY",
    "ISSUER_KEY",
    "AUDIT_KEY",
    "METRICS_TOKEN",
    "AUDIT_WEBHOOK_SECRET",
    "AUDIT_S3_SECRET_KEY",
)
"""Names, without the prefix, whose value may also come from the file named in `…_FILE`."""


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an http(s) URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain URL, without user, password, query or fragment")
    return text.rstrip("/")


def _redis_url(secret: Secret) -> Secret:
    parse_address(secret)
    return secret


def _tenant(text: str) -> TenantName:
    try:
        return parse_tenant_name(text)
    except InvalidName as refusal:
        raise ValueError(refusal.message) from None


Url = Annotated[str, AfterValidator(_url)]
TenantText = Annotated[str, AfterValidator(_tenant)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]


class Settings(AuditSettings):
    """The gateway's configuration.  Every field is the environment variable `VENDOR_<FIELD>`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65_535)
    public_url: Url
    log_format: Literal["json", "pretty", "auto"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    slow_callback_ms: int | None = Field(default=None, ge=1, le=60_000)
    metrics: Readers = Readers.LOOPBACK
    metrics_token: SecretText | None = None
    max_body_bytes: int = Field(default=262_144, ge=1024, le=16_777_216)

    redis_url: Annotated[SecretText, AfterValidator(_redis_url)]
    redis_prefix: str = Field(default="vendor", pattern=r"^[a-z0-9-]{1,32}$")

    default_tenant: TenantText | None = None
    default_tenant_access: Access = Access.READ_ONLY

    policies_dir: Path | None = None
    trust_file: Path | None = None

    issuer_keys_dir: Path | None = None
    issuer_key: SecretText | None = None

    store_kind: StoreKind
    store_endpoint: Url
    store_public_endpoint: Url | None = None
    store_sts_endpoint: Url | None = None
    store_region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$")
    store_mode: Mode = Mode.WEB_IDENTITY
    store_audience: str = Field(default="vendor", min_length=1, max_length=256)
    store_role_arn: str | None = None
    store_policy: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    store_operator_policy: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,128}$")
    store_ceiling_slots: int = Field(default=8, ge=1, le=32)
    store_access_key: str | None = None
    store_secret_key: SecretText | None = None
    store_short_seconds: Seconds | None = None
    store_check: StoreCheck = StoreCheck.ENFORCE
    store_check_seconds: int = Field(default=300, ge=10, le=86_400)
    stores_dir: Path | None = None

    store_parallel: int | None = Field(default=None, ge=1, le=64)
    store_queue: int = Field(default=1000, ge=1, le=100_000)

    sts_roles: str = Field(default="arn:aws:iam::000000000000:role/vendor", max_length=16_384)

    lease_default_seconds: Seconds = 3600
    lease_min_seconds: Seconds = 900
    lease_max_seconds: Seconds = 43_200
    lease_renewable_max_seconds: Seconds = 604_800

    limit_vend_burst: int = Field(default=300, ge=0, le=1_000_000)
    limit_vend_per_second: int = Field(default=30, ge=1, le=100_000)
    limit_share_burst: int = Field(default=500, ge=0, le=1_000_000)
    limit_share_per_second: int = Field(default=5, ge=1, le=100_000)

    _name: str = PrivateAttr(default=DEFAULT_STORE)
    _further: dict[str, "Settings"] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*self._store_problems(), *self._issuer_problems(), *self._lease_problems(), *self._role_problems()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _store_problems(self) -> list[str]:
        problems = []
        if self.store_mode is Mode.ASSUME_ROLE:
            if self.store_access_key is None or self.store_secret_key is None:
                problems.append(
                    "VENDOR_STORE_MODE=assume-role needs VENDOR_STORE_ACCESS_KEY and VENDOR_STORE_SECRET_KEY."
                )
        elif self.store_access_key is not None or self.store_secret_key is not None:
            problems.append(
                "VENDOR_STORE_ACCESS_KEY and VENDOR_STORE_SECRET_KEY belong to VENDOR_STORE_MODE=assume-role."
            )
        elif PROFILES[self.store_kind].claims_policy and self.store_policy is None:
            problems.append(
                f"VENDOR_STORE_POLICY is missing: on {self.store_kind} it names the policy that leases narrow."
            )
        if self.store_operator_policy is not None:
            problems += self._ceiling_problems()
        if not PROFILES[self.store_kind].claims_policy and self.store_role_arn is None:
            problems.append(
                f"VENDOR_STORE_ROLE_ARN is missing: on {self.store_kind} it names the role that leases narrow."
            )
        return problems

    def _ceiling_problems(self) -> list[str]:
        if self.store_mode is not Mode.WEB_IDENTITY:
            return ["VENDOR_STORE_OPERATOR_POLICY belongs to VENDOR_STORE_MODE=web-identity."]
        if PROFILES[self.store_kind].ceilings is None:
            return [f"VENDOR_STORE_OPERATOR_POLICY: no policies are kept on {self.store_kind}."]
        return []

    def _issuer_problems(self) -> list[str]:
        if self.issuer_key is not None and self.issuer_keys_dir is not None:
            return ["VENDOR_ISSUER_KEY and VENDOR_ISSUER_KEYS_DIR exclude each other."]
        if self.issuer_key is None and self.issuer_keys_dir is None and self.store_mode is Mode.WEB_IDENTITY:
            return ["VENDOR_ISSUER_KEYS_DIR (or VENDOR_ISSUER_KEY) is missing: web identities are signed with it."]
        return []

    def _lease_problems(self) -> list[str]:
        if not self.lease_min_seconds <= self.lease_default_seconds <= self.lease_max_seconds:
            return ["VENDOR_LEASE_MIN_SECONDS, _DEFAULT_SECONDS and _MAX_SECONDS must be in ascending order."]
        return []

    def _role_problems(self) -> list[str]:
        try:
            Roles.parse(self.sts_roles)
        except ValueError as mistake:
            return [f"VENDOR_STS_ROLES {mistake}."]
        return []

    @property
    def roles(self) -> Roles:
        """The roles that the STS door takes."""
        return Roles.parse(self.sts_roles)

    @property
    def policies(self) -> Path:
        """The folder with access.toml and layout.toml: as configured, else as shipped."""
        return self.policies_dir or shipped_policies()

    @property
    def audit_keys(self) -> Path | None:
        """The folder of the keys that seal the audit log: as configured, else inside the issuer's."""
        if self.audit_keys_dir is not None or self.audit_key is not None or self.issuer_keys_dir is None:
            return self.audit_keys_dir
        return self.issuer_keys_dir / "audit"

    @property
    def trust(self) -> Path:
        """The trust file in force."""
        return self.trust_file or self.policies / "trust.toml"

    @property
    def metrics_access(self) -> MetricsAccess:
        """Who may read metrics."""
        return MetricsAccess(self.metrics, self.metrics_token)

    @property
    def joins(self) -> Joins | None:
        """The tenant that everybody joins when they become known, if one is configured."""
        return Joins(TenantName(self.default_tenant), self.default_tenant_access) if self.default_tenant else None

    @property
    def durations(self) -> DurationRules:
        """The rules for the length of leases."""
        return DurationRules(self.lease_default_seconds, self.lease_min_seconds, self.lease_max_seconds)

    @property
    def by_store(self) -> Mapping[str, "Settings"]:
        """All stores by name: these settings for the default one, and for each other one those with its own lines."""
        return {DEFAULT_STORE: self, **self._further}

    @property
    def limit_vend(self) -> Rate:
        """How often one identity may ask for new keys at one door."""
        return Rate(self.limit_vend_burst, self.limit_vend_per_second)

    @property
    def limit_share(self) -> Rate:
        """How many users and tenants one identity may name as targets of shares."""
        return Rate(self.limit_share_burst, self.limit_share_per_second)

    @property
    def store(self) -> StoreSettings:
        """The store that these settings describe."""
        key = None
        if self.store_access_key is not None and self.store_secret_key is not None:
            key = ServiceKey(self.store_access_key, self.store_secret_key)
        return StoreSettings(
            name=self._name,
            profile=PROFILES[self.store_kind],
            endpoint=self.store_endpoint,
            public_endpoint=self.store_public_endpoint or self.store_endpoint,
            sts_endpoint=self.store_sts_endpoint,
            region=self.store_region,
            audience=self.store_audience,
            role_arn=self.store_role_arn,
            policy=self.store_policy,
            service_key=key,
            short_seconds=self.store_short_seconds,
            operator_policy=self.store_operator_policy,
        )


def shipped_policies() -> Path:
    """The policies folder that came with this installation: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "_policies"
    return inside if inside.is_dir() else package.parent / "policies"


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, and those of every further store.  Raises SettingsError with every mistake found."""
    settings = _load(environment)
    if settings.stores_dir is None:
        return settings
    shared = {name: text for name, text in environment.items() if not name.startswith(STORE_PREFIX)}
    problems: list[str] = []
    for file in store_files(settings.stores_dir):
        try:
            further = _load({**shared, **store_lines(file)})
            further._name = file.stem
            settings._further[file.stem] = further
        except SettingsError as mistakes:
            problems += [f"{file.name}: {problem}" for problem in mistakes.problems]
    if problems:
        raise SettingsError(problems)
    return settings


def _load(environment: Mapping[str, str]) -> Settings:
    values, problems = collect(environment, Settings.model_fields, SECRETS)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as failure:
        raise SettingsError(problems + sentences(failure)) from None
    if problems:
        raise SettingsError(problems)
    return settings
