"""What MinIO and the stores that derive from it have in common: their settings, and what an operator installs in them.

That are the policies `vendor-lease`, which the gateway's web identity tokens name, and `vendor-operator`, with which
the gateway keeps ceilings, and the user `vendor`, which holds the first for AssumeRole.  These servers read the keys of
their issuer at start: the gateway comes before them, and has to be told their address before they run.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from vendor.dev.folder import StateFolder
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Children, Program
from vendor.dev.roles import role_document
from vendor.dev.store import AUDIENCE, KeyPair, Store, StoreSite
from vendor.names import Bucket
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.stores.installing import Administrator, install
from vendor.stores.profile import CeilingApi
from vendor.stores.s3 import S3

LEASE_POLICY = "vendor-lease"
OPERATOR_POLICY = "vendor-operator"
SHORTEST_SECONDS = 5
"""Leases end with their web identity token here, so they may be as short as a test likes."""


def canned_site(kind: str, folder: StateFolder, port: int, bucket: Bucket) -> StoreSite:
    """Describe a server that will run on `port`."""
    return StoreSite(
        kind=kind,
        endpoint=f"http://{LOOPBACK}:{port}",
        bucket=bucket,
        admin=KeyPair(folder.secret(f"{kind}-admin-key", 20), folder.secret(f"{kind}-admin-secret")),
        service=KeyPair("vendor", folder.secret(f"{kind}-vendor-secret")),
        how={"VENDOR_STORE_POLICY": LEASE_POLICY, "VENDOR_LEASE_MIN_SECONDS": str(SHORTEST_SECONDS)},
        operator_policy=OPERATOR_POLICY,
    )


def start_canned(
    site: StoreSite,
    folder: StateFolder,
    children: Children,
    *,
    issuer: str,
    policies: Path,
    argv: list[str],
    environment: Mapping[str, str] | None = None,
) -> Store:
    """Start the server on the port of `site`, then install roles and bucket.  `issuer` must answer already."""
    program = Program(
        name=site.kind,
        argv=argv,
        environment=folder.environment(
            {
                "MINIO_ROOT_USER": site.admin.access_key,
                "MINIO_ROOT_PASSWORD": site.admin.secret_key,
                "MINIO_IDENTITY_OPENID_CONFIG_URL": f"{issuer}/.well-known/openid-configuration",
                "MINIO_IDENTITY_OPENID_CLIENT_ID": AUDIENCE,
                "MINIO_IDENTITY_OPENID_CLAIM_NAME": "policy",
                **(environment or {}),
            }
        ),
        folder=folder.sub(site.kind),
        log=folder.logs / f"{site.kind}.log",
        ports=[site.port],
    )
    child = children.start_ready(program, lambda _child: _serves_admin(site), within=30)
    install_roles(site, policies)
    return Store(site, child)


def install_roles(site: StoreSite, policies: Path) -> None:
    """Install the bucket, both policies and the user `vendor`.  Repeat is fine."""
    documents = {
        name: json.dumps(role_document(policies, f"minio/{name}.json", {"BUCKET": site.bucket}))
        for name in (LEASE_POLICY, OPERATOR_POLICY)
    }
    with ThreadPoolExecutor(1, thread_name_prefix="installing") as aside:  # the caller's thread may run a loop already
        aside.submit(asyncio.run, _install(site, documents)).result()
    admin = admin_client(site)
    try:
        admin.policy_set(LEASE_POLICY, user=site.service.access_key)
    except MinioAdminException:  # there is no such user yet; to make one takes the server about a second
        admin.user_add(site.service.access_key, site.service.secret_key)
        admin.policy_set(LEASE_POLICY, user=site.service.access_key)


async def _install(site: StoreSite, documents: Mapping[str, str]) -> None:
    secret = SecretKey(site.admin.secret_key)
    keys = Credentials(site.admin.access_key, secret, SessionToken(""), float("inf"))
    administrator = Administrator(S3(site.endpoint, site.region), keys)
    try:
        await install(administrator, CeilingApi.CANNED, Bucket(site.bucket), documents)
    finally:
        await administrator.close()


def admin_client(site: StoreSite) -> MinioAdmin:
    """Return a client for the store's admin API with the administrator's key."""
    return MinioAdmin(
        endpoint=site.endpoint.removeprefix("http://"),
        credentials=StaticProvider(site.admin.access_key, site.admin.secret_key),
        secure=False,
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False),
    )


def _serves_admin(site: StoreSite) -> bool:
    """Say whether the server's users and policies are loaded."""
    try:
        admin_client(site).policy_list()
    except (MinioAdminException, urllib3.exceptions.HTTPError):
        return False
    return True
