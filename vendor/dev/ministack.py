"""ministack, an emulator of AWS, as a store that leases are asked of by AssumeRole.

It pins its own botocore, so it lives in a virtual environment of its own, made when it is first asked for.  It is not
one of the stores of `vendor dev`: it does not verify web identities, and does not narrow them.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vendor.dev.folder import StateFolder
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import MissingProgramError
from vendor.dev.roles import role_document
from vendor.dev.store import REGION, KeyPair, Store, StoreSite
from vendor.dev.web import answers
from vendor.names import Bucket

KIND = "aws"
VERSION = "1.5.33"
ACCOUNT = "000000000000"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/Lease"
ROOT = KeyPair("test", "test")
_INSTALL_SECONDS = 180
_LONGEST_SECONDS = 43_200


def install_ministack() -> Path:
    """Return its server from a virtual environment inside our own; raises MissingProgramError."""
    place = Path(sys.prefix) / f"ministack-{VERSION}"
    server, done = place / "bin" / "hypercorn", place / "installed"
    if not done.exists():
        for argv in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", f"ministack=={VERSION}"],
        ):
            try:
                subprocess.run(argv, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
            except (subprocess.SubprocessError, OSError) as failure:
                raise MissingProgramError("ministack", f"it could not be installed ({failure})") from None
        done.touch()
    return server


def serve_ministack(folder: StateFolder, children: Children) -> Child:
    """Start it with nothing in it.  Raises MissingProgramError."""
    server = install_ministack()

    def program(ports: Sequence[int]) -> Program:
        return Program(
            name="ministack",
            argv=[str(server), "ministack.app:app", "--bind", f"{LOOPBACK}:{ports[0]}"],
            environment=folder.environment({"AUTH": "true", "GATEWAY_PORT": str(ports[0])}),
            folder=folder.sub("ministack"),
            log=folder.logs / "ministack.log",
            ports=ports,
        )

    return children.serve(1, program, lambda child: answers(f"{endpoint_of(child)}/_ministack/health"), within=30)


def start_ministack(folder: StateFolder, children: Children, *, bucket: Bucket, policies: Path) -> Store:
    """Start it with the role of leases and a user `vendor` who may assume it, and an empty bucket."""
    child = serve_ministack(folder, children)
    endpoint = endpoint_of(child)
    service = _install_roles(endpoint, bucket, policies)
    site = StoreSite(
        kind=KIND,
        endpoint=endpoint,
        bucket=bucket,
        admin=ROOT,
        service=service,
        how={"VENDOR_STORE_ROLE_ARN": ROLE_ARN},
    )
    site.client().create_bucket(Bucket=bucket)
    return Store(site, child)


def endpoint_of(child: Child) -> str:
    """Return where it answers."""
    return f"http://{LOOPBACK}:{child.program.ports[0]}"


def _install_roles(endpoint: str, bucket: Bucket, policies: Path) -> KeyPair:
    """Install what an operator of AWS would: a role, what it may do, who may assume it."""
    iam = _iam(endpoint)
    iam.create_user(UserName="vendor")
    key = iam.create_access_key(UserName="vendor")["AccessKey"]
    assume = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [ROLE_ARN]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [assume]})
    iam.put_user_policy(UserName="vendor", PolicyName="assume", PolicyDocument=document)
    trust = role_document(policies, "aws/trust.json", {"ACCOUNT": ACCOUNT})
    iam.create_role(RoleName="Lease", AssumeRolePolicyDocument=json.dumps(trust), MaxSessionDuration=_LONGEST_SECONDS)
    lease = role_document(policies, "aws/vendor-lease.json", {"BUCKET": bucket})
    iam.put_role_policy(RoleName="Lease", PolicyName="vendor-lease", PolicyDocument=json.dumps(lease))
    return KeyPair(key["AccessKeyId"], key["SecretAccessKey"])


def _iam(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "iam",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ROOT.access_key,
        aws_secret_access_key=ROOT.secret_key,
        config=Config(proxies={}, connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1}),
    )
