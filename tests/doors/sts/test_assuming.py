"""What keys the STS door gives: for whom, for what, for how long, and to real SDKs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from minio import Minio
from minio.credentials.providers import WebIdentityProvider

from tests.doors.sts.asking import ASSUME, IDENTITY, ROLE, Sts, refusal, texts
from tests.support.gateways import api
from tests.support.sts import allowed, policy

BUCKET = "cdm-lake"
HOME = "users-general-warehouse/alice/"
KBASE = "tenant-general-warehouse/kbase/"
TENANT_ROLE = "arn:aws:iam::000000000000:role/tenant-kbase-read"


def left(found: dict[str, str]) -> float:
    return (datetime.fromisoformat(found["Expiration"]) - datetime.now(UTC)).total_seconds()


def test_an_identity_token_gives_keys_to_everything_granted(sts: Sts) -> None:
    found = sts.assume(sts.token("alice"), RoleArn=ROLE, RoleSessionName="notebook-7")

    assert found["SubjectFromWebIdentityToken"]
    assert found["SourceIdentity"] == "alice"
    assert found["Arn"] == "arn:aws:sts::000000000000:assumed-role/vendor/notebook-7"
    assert found["AssumedRoleId"] == "alice:notebook-7"
    assert 1 <= int(found["PackedPolicySize"]) <= 100
    assert 3500 < left(found) <= 3570, "an hour, told half a minute early"
    s3 = sts.s3(found)
    assert allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{HOME}sts", Body=b"x"))
    assert allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{KBASE}sts", Body=b"x"))
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{HOME.replace('alice', 'bob')}hello.txt"))


def test_query_and_form_are_both_taken(sts: Sts) -> None:
    token = {"WebIdentityToken": sts.token("alice")}

    assert sts.post({**ASSUME, **token}).status_code == 200
    assert sts.post((), {**ASSUME, **token, "DurationSeconds": "3600"}).status_code == 200
    assert sts.post(token, ASSUME).status_code == 200, "a part in each, as long as nothing comes twice"
    charset = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert sts.post({**ASSUME, **token}, headers=charset).status_code == 200


def test_a_role_may_name_a_scope(sts: Sts) -> None:
    s3 = sts.s3(sts.assume(sts.token("alice"), RoleArn=TENANT_ROLE))

    assert allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{KBASE}hello.txt"))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{KBASE}role", Body=b"x"))
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{HOME}hello.txt"))
    assert sts.refused(sts.token("bob"), RoleArn=TENANT_ROLE.replace("read", "write")) == (403, "AccessDenied")
    assert sts.refused(sts.token("alice"), RoleArn=TENANT_ROLE.replace("kbase", "hydro")) == (403, "AccessDenied")


def test_a_policy_only_narrows(sts: Sts) -> None:
    narrow = policy(BUCKET, f"{HOME}inner/", "s3:GetObject", "s3:PutObject")
    s3 = sts.s3(sts.assume(sts.token("alice"), Policy=narrow))
    assert allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{HOME}inner/a", Body=b"x"))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{HOME}outer", Body=b"x"))
    assert not allowed(lambda: s3.delete_object(Bucket=BUCKET, Key=f"{HOME}inner/a"))

    wide = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}
    )
    s3 = sts.s3(sts.assume(sts.token("bob"), Policy=wide))
    assert allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{KBASE}hello.txt"))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key=f"{KBASE}bob", Body=b"x")), "bob is read_only"
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{HOME}hello.txt"))


def test_a_lease_token_gives_the_live_keys_of_its_lease(sts: Sts) -> None:
    with api(sts.stack, "alice") as alice:
        lease = alice.lease((f"s3://{BUCKET}/{HOME}", "read"), renewable_for=7200)
        token = lease["lease_token"]
        first, again = sts.assume(token), sts.assume(token, RoleArn=ROLE, DurationSeconds="3600")
        assert first["AccessKeyId"] == again["AccessKeyId"] == lease["credentials"]["access_key_id"]

        part = sts.assume(token, Policy=policy(BUCKET, f"{HOME}inner/", "s3:GetObject"))
        assert part["AccessKeyId"] != first["AccessKeyId"]
        s3 = sts.s3(part)
        assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{HOME}hello.txt"))
        assert sts.assume(token)["AccessKeyId"] == first["AccessKeyId"], "a part of a lease is not given again"
        shorter = sts.assume(token, DurationSeconds="900")
        assert left(shorter) <= 900
        assert sts.refused(token, RoleArn=TENANT_ROLE) == (403, "AccessDenied")
        assert sts.refused(token, Policy="") == (400, "MalformedPolicyDocument")
        assert sts.refused(token, DurationSeconds="43201") == (400, "ValidationError")

        alice.call("DELETE", f"/v1/leases/{lease['lease']['id']}")
        assert sts.refused(token) == (400, "ExpiredTokenException")


def test_keys_of_a_part_leave_the_lease_as_it_is_shown(sts: Sts) -> None:
    """By a policy of the caller's, and by a role with a scope of its own."""
    with api(sts.stack, "alice") as alice:
        made = alice.lease(renewable_for=7200)
        path = f"/v1/leases/{made['lease']['id']}"
        before = alice.call("GET", path).json()["lease"]
        assert len(before["scope"]) > 2

        sts.assume(made["lease_token"], Policy=policy(BUCKET, f"{HOME}inner/", "s3:GetObject"))
        sts.assume(made["lease_token"], RoleArn=TENANT_ROLE)

        after = alice.call("GET", path).json()["lease"]
        assert after == {**before, "renewals": 2}
        (listed,) = [one for one in alice.call("GET", "/v1/leases").json()["leases"] if one["id"] == before["id"]]
        assert listed == after
        # Now, unless so many others of hers are live that it shares what limits it.
        assert alice.call("DELETE", path).json()["effective"] in {"now", "at_expiry"}


def test_who_am_i(sts: Sts) -> None:
    token = sts.token("alice")
    by_parameter = texts(sts.post({**IDENTITY, "WebIdentityToken": token}))
    by_header = texts(sts.post(IDENTITY, headers={"authorization": f"Bearer {token}"}))
    assert by_parameter["UserId"] == by_header["UserId"] == "alice"
    assert by_header["Arn"] == "arn:aws:sts::000000000000:assumed-role/vendor/alice"
    assert by_header["Account"] == "000000000000"

    with api(sts.stack, "alice") as alice:
        lease = alice.lease(renewable_for=7200)
    assert texts(sts.post({**IDENTITY, "WebIdentityToken": lease["lease_token"]}))["UserId"] == "alice"
    assert refusal(sts.post(IDENTITY)) == (400, "InvalidIdentityToken")
    client = boto3.session.Session().client(
        "sts",
        endpoint_url=sts.stack.gateway.url,
        region_name="us-east-1",
        aws_access_key_id="AKIA",
        aws_secret_access_key="x",
        config=Config(proxies={}),
    )
    with pytest.raises(client.exceptions.ClientError, match=r"AccessDenied.*signature cannot be checked"):
        client.get_caller_identity()


def test_the_event_says_the_door_and_the_session(sts: Sts) -> None:
    import redis

    found = sts.assume(sts.token("alice"), RoleSessionName="my-session")
    with redis.Redis.from_url(sts.stack.valkey.url, decode_responses=True) as server:
        events = [json.loads(fields["event"]) for _, fields in server.xrevrange("{vendor}:audit", count=200)]
    event = next(one for one in events if one.get("access_key_id") == found["AccessKeyId"])
    assert event["door"] == "sts"
    assert event["client"]["session"] == "my-session"
    assert "my-session" not in json.dumps({**event, "client": None})


@pytest.fixture
def environment(sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The variables with which SDKs find the door; returns the token's file."""
    file = tmp_path / "token"
    file.write_text(sts.token("alice"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.stack.gateway.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", sts.stack.store.site.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return file


@pytest.mark.usefixtures("environment")
def test_boto3_assumes_its_role_unpatched() -> None:
    session = boto3.session.Session()
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.method == "assume-role-with-web-identity"
    s3 = session.client("s3", config=Config(s3={"addressing_style": "path"}))
    assert allowed(lambda: s3.get_object(Bucket=BUCKET, Key=f"{HOME}hello.txt"))
    keys = {session.get_credentials().get_frozen_credentials().access_key for _ in range(100)}  # type: ignore[union-attr]  # checked above
    assert len(keys) == 1, "an hour is long enough for boto3 to keep them"


def test_boto3_shows_our_codes(sts: Sts, environment: Path) -> None:
    environment.write_text("not-a-token")
    client = boto3.session.Session().client("sts")
    with pytest.raises(client.exceptions.InvalidIdentityTokenException):
        client.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="x-y", WebIdentityToken="not.a.token")
    with pytest.raises(client.exceptions.MalformedPolicyDocumentException):
        client.assume_role_with_web_identity(
            RoleArn=ROLE, RoleSessionName="x-y", WebIdentityToken=sts.token("alice"), Policy="{}"
        )
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.assume_role_with_web_identity(
            RoleArn=f"{ROLE}-2", RoleSessionName="x-y", WebIdentityToken=sts.token("alice")
        )


def test_minio_py_assumes_its_role(sts: Sts) -> None:
    provider = WebIdentityProvider(
        jwt_provider_func=lambda: {"access_token": sts.token("alice")},
        sts_endpoint=sts.stack.gateway.url,
        role_arn=ROLE,
    )
    site = sts.stack.store.site
    client = Minio(
        endpoint=site.endpoint.removeprefix("http://"), credentials=provider, secure=False, region=site.region
    )
    with client.get_object(bucket_name=BUCKET, object_name=f"{HOME}hello.txt") as found:
        assert found.read()
