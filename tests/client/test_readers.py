"""The options of `vendor.client.tools` in the hands of the tools they are for, those that are installed.

`make test-readers` installs them; s3fs insists on another botocore than ours and is tried by `make test-clients`.
What cannot be tried here is held against the names that the tool's documentation gives.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.leases import lease
from vendor.client import Ask, Client, Wanted, tools
from vendor.client.answers import Vended
from vendor.client.tokens import fixed
from vendor.secret import RawToken

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

BUCKET, HOME = "cdm-lake", "users-general-warehouse/alice/readers/"
MINE = Ask(scope=[Wanted(f"s3://{BUCKET}/{HOME}", "write")], duration=20)


@pytest.fixture
def client(seaweedfs_stack: "Stack") -> Iterator[Client]:
    with Client(seaweedfs_stack.gateway.url, fixed(RawToken(seaweedfs_stack.tokens["alice"]))) as made:
        yield made


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """The address of a small table in alice's home."""
    s3, key = client.session(MINE).client("s3"), HOME + "t.csv"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"a,b\n1,x\n2,y\n")
    yield f"s3://{BUCKET}/{key}"
    s3.delete_object(Bucket=BUCKET, Key=key)


def test_polars(client: Client, table: str) -> None:
    polars: Any = pytest.importorskip("polars")
    keeper = client.keep(MINE)
    read = polars.scan_csv(
        table,
        storage_options=tools.polars_options(keeper.held),
        credential_provider=tools.polars_credentials(keeper),
    ).collect()
    assert read.to_dicts() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_pyarrow(client: Client, table: str) -> None:
    fs: Any = pytest.importorskip("pyarrow.fs")
    files = fs.S3FileSystem(**tools.pyarrow_options(client.lease(MINE)))
    with files.open_input_stream(table.removeprefix("s3://")) as stream:
        assert stream.read().startswith(b"a,b\n")
    with pytest.raises(OSError, match=r"(?i)access|403|forbidden"):
        files.open_input_stream(f"{BUCKET}/users-general-warehouse/bob/x").read()


def test_duckdb(client: Client, table: str) -> None:
    duckdb: Any = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_extension_httpfs")
    found = find_spec("duckdb_extension_httpfs")
    assert found is not None
    assert found.submodule_search_locations is not None
    (extension,) = Path(found.submodule_search_locations[0]).rglob("*.duckdb_extension")
    database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    database.execute(f"LOAD '{extension}'")
    database.execute(tools.duckdb_secret(client.lease(MINE)))
    assert database.execute(f"SELECT sum(a) FROM read_csv('{table}')").fetchone() == (3,)  # noqa: S608 - our own address
    with pytest.raises(duckdb.Error, match="403"):
        database.execute(f"SELECT * FROM read_csv('s3://{BUCKET}/users-general-warehouse/bob/x.csv')")  # noqa: S608 - the same
    database.close()


DOCUMENTED = {
    "s3fs": {"key", "secret", "token", "endpoint_url", "client_kwargs", "config_kwargs"},
    "pyarrow": {
        "access_key",
        "secret_key",
        "session_token",
        "endpoint_override",
        "scheme",
        "region",
        "force_virtual_addressing",
    },
    "polars": {"aws_endpoint_url", "aws_region", "aws_virtual_hosted_style_request", "aws_allow_http"},
    "s3a": {
        "fs.s3a.aws.credentials.provider",
        "fs.s3a.access.key",
        "fs.s3a.secret.key",
        "fs.s3a.session.token",
        "fs.s3a.endpoint",
        "fs.s3a.endpoint.region",
        "fs.s3a.path.style.access",
        "fs.s3a.connection.ssl.enabled",
    },
}


def test_the_names_are_those_of_the_documentation() -> None:
    vended = Vended.read(lease())
    made: dict[str, Any] = {
        "s3fs": tools.s3fs_options(vended),
        "pyarrow": tools.pyarrow_options(vended),
        "polars": tools.polars_options(vended),
        "s3a": tools.s3a_options(vended),
    }
    assert {tool: set(options) for tool, options in made.items()} == DOCUMENTED
    assert set(tools.spark_conf(vended)) == {f"spark.hadoop.{name}" for name in DOCUMENTED["s3a"]}
    assert made["s3fs"]["client_kwargs"] == {"region_name": "us-east-1"}
