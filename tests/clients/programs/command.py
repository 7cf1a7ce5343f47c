"""A command line client: each round is some runs of the command.  First argument: aws or rclone, then its path."""

import subprocess
import sys

import loop

kind, program = sys.argv[1:3]
PLACE = f"{loop.BUCKET}/"


def call(*arguments: str, given: bytes = b"") -> bytes:
    done = subprocess.run([program, *arguments], input=given, capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-600:])
    return done.stdout


if kind == "aws":
    S3 = ("s3", "--endpoint-url", loop.ENDPOINT, "cp", "--only-show-errors")
    version = call("--version").decode().split()[0].partition("/")[2]

    def put(key: str, content: bytes) -> None:
        call(*S3, "-", f"s3://{PLACE}{key}", given=content)

    def get(key: str) -> bytes:
        return call(*S3, f"s3://{PLACE}{key}", "-")
else:
    REMOTE = (
        f":s3,env_auth,provider=Other,no_check_bucket,force_path_style,endpoint='{loop.ENDPOINT}',region={loop.REGION}:"
    )
    QUIET = ("--config", "/dev/null", "--retries", "1", "--low-level-retries", "3")
    version = call("version").decode().split()[1].removeprefix("v")

    def put(key: str, content: bytes) -> None:
        call("rcat", *QUIET, f"{REMOTE}{PLACE}{key}", given=content)

    def get(key: str) -> bytes:
        return call("cat", *QUIET, f"{REMOTE}{PLACE}{key}")


loop.run(version, put, get)
