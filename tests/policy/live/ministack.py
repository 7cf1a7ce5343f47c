"""ministack, an emulator of AWS, as a second opinion on how AWS reads our documents: AssumeRole only."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.policy.live.stores import BUCKETS
from tests.policy.live.wire import Wire
from vendor.dev.folder import open_folder
from vendor.dev.ministack import ACCOUNT, ROOT, endpoint_of, serve_ministack
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError
from vendor.policy.oracle import Reading

_ROOT = (ROOT.access_key, ROOT.secret_key)


class Ministack:
    """A running ministack with a user who may assume a role that may do everything."""

    kind = "ministack"
    reading = Reading.AWS

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        iam = self._client("iam", *_ROOT)
        iam.create_user(UserName="vendor")
        key = iam.create_access_key(UserName="vendor")["AccessKey"]
        iam.put_user_policy(UserName="vendor", PolicyName="assume", PolicyDocument=_document("sts:AssumeRole", "*"))
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/vendor"},
            "Action": "sts:AssumeRole",
        }
        iam.create_role(
            RoleName="Lease", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        iam.put_role_policy(RoleName="Lease", PolicyName="everything", PolicyDocument=_document("s3:*", "*"))
        self._sts = self._client("sts", key["AccessKeyId"], key["SecretAccessKey"])
        with self.admin() as admin:
            for bucket in BUCKETS:
                assert admin.call("PUT", bucket).status == 200
                assert admin.call("PUT", bucket, ".keep", body=b"x").status == 200

    def admin(self) -> Wire:
        return Wire(self._endpoint, *_ROOT)

    def lease(self, policy: str, *, by: str = "assume-role") -> Wire:
        """Return a connection with temporary keys; web identity would ignore the policy here."""
        assert by
        answer = self._sts.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Lease", RoleSessionName="test", Policy=policy
        )
        keys = answer["Credentials"]
        return Wire(self._endpoint, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _client(self, service: str, access_key: str, secret_key: str) -> Any:
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # the overloads want a literal name
            endpoint_url=self._endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )


@contextmanager
def running_ministack() -> Iterator[Ministack]:
    """Run it as long as the block lasts; the test is skipped where it cannot be installed."""
    with open_folder(None) as folder:
        children = Children()
        try:
            yield Ministack(endpoint_of(serve_ministack(folder, children)))
        except MissingProgramError as missing:
            pytest.skip(str(missing))
        finally:
            children.stop(kill=True)


def _document(action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
