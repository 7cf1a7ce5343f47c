"""`vend lease` and `vend exec` against the real gateway and store."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cli.vend import Vend

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from vendor.dev.stack import Stack

BUCKET = "cdm-lake"
HOME = "users-general-warehouse/alice/"
TENANT = "tenant-general-warehouse/kbase/"


def s3(variables: Mapping[str, str]) -> "S3Client":
    """A plain client with the keys of one lease."""
    return boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL_S3"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def through_bash(text: str) -> dict[str, str]:
    """Evaluate an output as people do, and return what a child would see."""
    stale = {"AWS_PROFILE": "old", "AWS_ROLE_ARN": "old", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://old"}
    done = subprocess.run(
        ["bash", "-c", 'eval "$(cat)"; env -0'],
        input=text.encode(),
        env={"PATH": "/usr/bin:/bin", **stale},
        capture_output=True,
        check=True,
        timeout=20,
    )
    return dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if "=" in item)


def test_env_is_for_eval(alice: Vend) -> None:
    said = alice("lease", "--path", f"s3://{BUCKET}/{HOME}", "--access", "write")
    assert (said.code, said.err) == (0, "")
    variables = through_bash(said.out)

    client = s3(variables)
    client.put_object(Bucket=BUCKET, Key=HOME + "from-vend.txt", Body=b"hello")
    assert client.get_object(Bucket=BUCKET, Key=HOME + "from-vend.txt")["Body"].read() == b"hello"
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_object(Bucket=BUCKET, Key=TENANT + "hello.txt")  # hers, but not asked for
    assert not {"AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} & set(variables)


def test_json_is_the_answer_of_the_api(alice: Vend) -> None:
    for arguments in (("--json",), ("--format", "json")):
        said = alice("lease", "--read", f"s3a://{BUCKET}/{TENANT}", "--reason", "a look", "--job", "t-1", *arguments)
        assert (said.code, said.err) == (0, "")
        assert set(said.json) >= {"lease", "credentials", "endpoint"}
        assert said.json["lease"]["audit_context"] == {"reason": "a look", "job": "t-1"}
        (entry,) = said.json["lease"]["scope"]
        assert entry["access"] == "read"


def test_process_is_for_the_sdk(alice: Vend, seaweedfs_stack: "Stack") -> None:
    """The SDK runs the command itself, from a profile."""
    script = alice.home / "vend.sh"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vendor.cli.main process\n')
    script.chmod(0o700)
    config = alice.home / "aws"
    config.write_text(
        f"[default]\ncredential_process = {script}\nregion = us-east-1\n"
        f"endpoint_url = {seaweedfs_stack.store.site.endpoint}\ns3 =\n  addressing_style = path\n"
    )
    code = (
        "import boto3; c = boto3.client('s3');"
        f"print(c.get_object(Bucket='{BUCKET}', Key='{TENANT}hello.txt')['Body'].read().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=alice.environment({"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_what_is_not_granted_is_refused_or_left_out(alice: Vend) -> None:
    refused = alice("lease", "--read", f"s3://{BUCKET}/tenant-general-warehouse/hydro/")
    assert (refused.code, refused.out) == (1, "")
    assert "not granted" in refused.err
    assert "hydro" in refused.err
    assert "Request id: " in refused.err

    both = ("--read", f"s3://{BUCKET}/{TENANT}", "--read", f"s3://{BUCKET}/tenant-general-warehouse/hydro/")
    partial = alice("lease", *both, "--partial", "--json")
    assert partial.code == 0
    assert [entry["path"] for entry in partial.json["lease"]["not_granted"]]
    assert "not in this lease" in partial.err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--path", "/etc/passwd"), id="local-path"),
        pytest.param(("--path", "s3://cdm-lake/*"), id="wildcard"),
        pytest.param(("--path", "s3://cdm-lake/a/", "--access", "admin"), id="unknown-access"),
        pytest.param(("--access", "write"), id="access-without-path"),
        pytest.param(("--path", "s3://b-1/a/", "--access", "read", "--access", "write"), id="more-access-than-paths"),
        pytest.param(("--duration", "soon"), id="no-time"),
        pytest.param(("--duration", "1"), id="shorter-than-the-gateway-allows"),
        pytest.param(("--json", "--format", "env"), id="two-formats"),
    ],
)
def test_usage(alice: Vend, arguments: tuple[str, ...]) -> None:
    said = alice("lease", *arguments)

    assert (said.code, said.out) == (2, "")
    assert said.err


def test_an_ended_or_forged_token(alice: Vend) -> None:
    head, body, _signature = alice.environ["VENDOR_TOKEN"].split(".")
    for token in (f"{head}.{body}.AAAA", "A" * 32, "not a token\nx"):
        said = alice("lease", env={"VENDOR_TOKEN": token})
        assert (said.code, said.out) == (3, "")
        assert token not in said.err


def exec_json(vend: Vend, code: str, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    said = vend("exec", *arguments, "--", sys.executable, "-c", code, env=env)
    assert said.code == 0, said.err
    return json.loads(said.out)


READ_TENANT = (
    "import boto3, json; c = boto3.client('s3');"
    f"print(json.dumps(c.get_object(Bucket='{BUCKET}', Key='{TENANT}hello.txt')['Body'].read().decode()))"
)


def test_exec_gives_keys_to_a_plain_program(alice: Vend) -> None:
    assert exec_json(alice, READ_TENANT)
    assert exec_json(alice, READ_TENANT, "--env")
    # A profile that the program was told to use would win over keys in the environment.
    assert exec_json(alice, READ_TENANT, env={"AWS_PROFILE": "other", "AWS_SECURITY_TOKEN": "stale"})


def test_exec_asks_before_it_runs_anything(alice: Vend) -> None:
    marker = alice.home / "ran"
    said = alice("exec", "--read", f"s3://{BUCKET}/tenant-general-warehouse/hydro/", "--", "touch", str(marker))

    assert said.code == 1
    assert not marker.exists()
