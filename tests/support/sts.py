"""Ask a store's STS for credentials by hand, and say whether an S3 call was allowed."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import httpx2
from botocore.config import Config
from botocore.exceptions import ClientError
from defusedxml import ElementTree

from vendor.dev.store import KeyPair, StoreSite, s3_client

DENIED = {"AccessDenied", "403", "InvalidAccessKeyId"}


def policy(bucket: str, prefix: str, *actions: str) -> str:
    """A session policy on one prefix, and on listing it."""
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"]},
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{bucket}"],
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def web_identity(site: StoreSite, token: str, session_policy: str | None = None) -> dict[str, str]:
    """AssumeRoleWithWebIdentity as the gateway sends it: unsigned, without a duration.  Returns the credentials."""
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": token}
    form |= {"RoleSessionName": "test"}
    if session_policy:
        form["Policy"] = session_policy
    if arn := site.how.get("VENDOR_STORE_ROLE_ARN"):
        form["RoleArn"] = arn
    with httpx2.Client(trust_env=False, timeout=10) as web:
        answer = web.post(site.endpoint + "/", data=form)
    assert answer.status_code == 200, answer.text
    found = {
        element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(answer.text).iter()
    }
    return {name: found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")}


def assume_role(site: StoreSite, session_policy: str) -> dict[str, str]:
    """AssumeRole as the static identity `vendor`."""
    sts = boto3.session.Session().client(
        "sts",
        endpoint_url=site.endpoint,
        region_name=site.region,
        aws_access_key_id=site.service.access_key,
        aws_secret_access_key=site.service.secret_key,
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )
    arn = site.how.get("VENDOR_STORE_ROLE_ARN", "arn:aws:iam::000000000000:role/any")
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="test", Policy=session_policy)
    return {name: str(value) for name, value in answer["Credentials"].items()}


def s3_with(site: StoreSite, credentials: dict[str, str]) -> Any:
    """An S3 client with temporary credentials."""
    keys = KeyPair(credentials["AccessKeyId"], credentials["SecretAccessKey"])
    return s3_client(site.endpoint, keys, credentials["SessionToken"])


def allowed(call: Callable[[], object]) -> bool:
    """Make an S3 call: True if it went through, False if it was denied; any other failure is raised."""
    try:
        call()
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") in DENIED:
            return False
        raise
    return True
