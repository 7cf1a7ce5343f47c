"""Install in a MinIO what the gateway needs there: the bucket, the policy that leases narrow, and that for ceilings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider

from vendor.dev.roles import role_document
from vendor.policy.layout import load_layout
from vendor.settings import shipped_policies


def install(environment: Mapping[str, str]) -> str:
    """Install all of it and return a sentence about it.  Repeat is fine."""
    policies = Path(environment.get("VENDOR_POLICIES_DIR") or shipped_policies())
    bucket, name = load_layout(policies / "layout.toml").bucket, environment["VENDOR_STORE_POLICY"]
    endpoint, secure = _address(environment["VENDOR_STORE_ENDPOINT"])
    root = _root(Path(environment["MINIO_CONFIG_ENV_FILE"]))
    http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False)
    store = Minio(endpoint, credentials=root, secure=secure, http_client=http)
    if not store.bucket_exists(bucket):
        store.make_bucket(bucket)
    admin = MinioAdmin(endpoint=endpoint, credentials=root, secure=secure, http_client=http)
    admin.policy_add(name, policy=role_document(policies, "minio/vendor-lease.json", {"BUCKET": bucket}))
    operator = environment["VENDOR_STORE_OPERATOR_POLICY"]
    admin.policy_add(operator, policy=role_document(policies, "minio/vendor-operator.json", {}))
    return f"bucket {bucket} and policies {name} and {operator} are there"


def _address(url: str) -> tuple[str, bool]:
    parts = urlsplit(url)
    return parts.netloc, parts.scheme == "https"


def _root(file: Path) -> StaticProvider:
    values = dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines() if "=" in line)
    return StaticProvider(values["MINIO_ROOT_USER"], values["MINIO_ROOT_PASSWORD"])


if __name__ == "__main__":
    sys.stderr.write(f"setup_minio: {install(os.environ)}\n")
