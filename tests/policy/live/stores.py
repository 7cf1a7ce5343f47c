"""Real stores whose role allows everything, so that nothing but the session policy decides."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from tests.policy.live.wire import Wire
from tests.support.issuer import TinyIssuer, tiny_issuer
from tests.support.parts import POLICIES
from tests.support.sts import web_identity
from vendor.dev.canned import canned_site
from vendor.dev.folder import open_folder
from vendor.dev.juicefs import start_juicefs
from vendor.dev.minio import find_minio, start_minio
from vendor.dev.ports import Reservation
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError
from vendor.dev.seaweedfs import start_seaweedfs
from vendor.dev.store import Store, StoreSite
from vendor.names import Bucket
from vendor.policy.oracle import Reading

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

BUCKETS = (Bucket("lake"), Bucket("lakes"), Bucket("data"))
_SESSION = boto3.session.Session()  # one for all clients: each new one reads megabytes of service descriptions again
_EVERYTHING = [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]


class LiveStore:
    """A running store, and leases on it that were asked for directly, without the gateway."""

    def __init__(self, site: StoreSite, issuer: TinyIssuer) -> None:
        self.site = site
        self._issuer = issuer
        self._sts: STSClient | None = None

    @property
    def kind(self) -> str:
        return self.site.kind

    @property
    def reading(self) -> Reading:
        """Whose rules the store follows."""
        return Reading.AWS if self.kind == "seaweedfs" else Reading.MINIO

    def admin(self) -> Wire:
        return Wire(self.site.endpoint, self.site.admin.access_key, self.site.admin.secret_key)

    def keys(self, policy: str, *, by: str = "web-identity") -> dict[str, str]:
        """Return temporary keys under a session policy, from one STS action or the other."""
        assert policy.strip(), "an empty policy would mean all rights"
        if by == "assume-role":
            return self._assume_role(policy)
        named = {"policy": name} if (name := self.site.how.get("VENDOR_STORE_POLICY")) else {}
        return web_identity(self.site, self._issuer.sign(sub=f"alice/{uuid4()}", seconds=1200, **named), policy)

    def _assume_role(self, policy: str) -> dict[str, str]:
        """AssumeRole as the static identity `vendor`."""
        if self._sts is None:
            self._sts = _SESSION.client(
                "sts",
                endpoint_url=self.site.endpoint,
                region_name=self.site.region,
                aws_access_key_id=self.site.service.access_key,
                aws_secret_access_key=self.site.service.secret_key,
                config=Config(proxies={}, retries={"total_max_attempts": 1}),
            )
        arn = self.site.how.get("VENDOR_STORE_ROLE_ARN", "arn:aws:iam::000000000000:role/any")
        answer = self._sts.assume_role(RoleArn=arn, RoleSessionName="test", Policy=policy)
        return {name: str(value) for name, value in answer["Credentials"].items()}

    def s3(self, keys: dict[str, str] | None = None) -> "S3Client":
        """Return a boto3 client with temporary keys, or the administrator's."""
        own = self.site.admin
        return _SESSION.client(
            "s3",
            endpoint_url=self.site.endpoint,
            region_name=self.site.region,
            aws_access_key_id=keys["AccessKeyId"] if keys else own.access_key,
            aws_secret_access_key=keys["SecretAccessKey"] if keys else own.secret_key,
            aws_session_token=keys["SessionToken"] if keys else None,
            config=Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                proxies={},
                read_timeout=20,
                retries={"total_max_attempts": 1},
            ),
        )

    def lease(self, policy: str, *, by: str = "web-identity") -> Wire:
        keys = self.keys(policy, by=by)
        return Wire(self.site.endpoint, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@contextmanager
def live_store(kind: str) -> Iterator[LiveStore]:
    """Run a store with three buckets, each holding one object that keeps it from being deleted."""
    with open_folder(None) as folder, tiny_issuer() as issuer:
        children = Children()
        try:
            site = _start(kind, folder, children, issuer.url, _widened(folder.sub("policies"))).site
            store = LiveStore(site, issuer)
            with store.admin() as admin:
                for bucket in BUCKETS:
                    admin.call("PUT", bucket)
                    assert admin.call("PUT", bucket, ".keep", body=b"x").status == 200
            yield store
        finally:
            children.stop(kill=True)


def _start(kind: str, folder: Any, children: Children, issuer: str, policies: Path) -> Store:
    if kind == "seaweedfs":
        return start_seaweedfs(folder, children, issuer=issuer, bucket=BUCKETS[0], policies=policies)
    if kind == "minio":
        try:
            find_minio()
        except MissingProgramError as missing:
            pytest.skip(str(missing))
    with Reservation(1) as reserved:
        site = canned_site(kind, folder, reserved.ports[0], BUCKETS[0])
    run: Callable[..., Store] = start_juicefs if kind == "juicefs" else start_minio
    return run(site, folder, children, issuer=issuer, policies=policies)


def _widened(target: Path) -> Path:
    """Copy the role documents, with a role that allows everything."""
    shutil.copytree(POLICIES / "roles", target / "roles", dirs_exist_ok=True)
    canned = target / "roles" / "minio" / "vendor-lease.json"
    canned.write_text(json.dumps({"Version": "2012-10-17", "Statement": _EVERYTHING}), encoding="utf-8")
    iam = target / "roles" / "seaweedfs" / "iam.json"
    document = json.loads(iam.read_text(encoding="utf-8"))
    for policy in document["policies"]:
        if policy["name"] == "vendor-lease":
            policy["document"]["Statement"] = _EVERYTHING
    iam.write_text(json.dumps(document), encoding="utf-8")
    return target
