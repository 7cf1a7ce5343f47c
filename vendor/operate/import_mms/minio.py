"""The same through the admin API of the MinIO that an MMS works on: read only, nothing is changed there."""

import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from vendor.operate.import_mms.folder import document_in
from vendor.operate.import_mms.source import Source, SourceError
from vendor.secret import Secret


def read_minio(endpoint: str, access_key: str, secret_key: Secret) -> Source:
    """Read policies, groups and users.  MMS's tables are not in MinIO.  Raises SourceError."""
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
        raise SourceError("the address of MinIO is not http(s)://host:port")
    admin = MinioAdmin(
        endpoint=parts.netloc,
        credentials=StaticProvider(access_key, secret_key.reveal()),
        secure=parts.scheme == "https",
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=30), retries=False, ssl_context=ssl.create_default_context()
        ),
    )
    try:
        policies = json.loads(admin.policy_list())
        groups = json.loads(admin.group_list()) or []
        users = json.loads(admin.user_list())
        return Source(
            policies={name: document_in(answer) for name, answer in policies.items()},
            groups={name: _members(json.loads(admin.group_info(name))) for name in groups},
            users=sorted(users),
        )
    except MinioAdminException as refusal:
        raise SourceError(f"MinIO refused ({str(refusal)[:200]})") from None
    except (urllib3.exceptions.HTTPError, ValueError, AttributeError, TypeError) as problem:
        raise SourceError(f"MinIO's answer cannot be used ({type(problem).__name__})") from None


def _members(answer: Any) -> list[str]:
    return [str(name) for name in answer.get("members") or []]
