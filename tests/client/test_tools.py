"""A lease in the terms of other tools; boto3 reads with it for real."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.leases import lease
from vendor.client import Ask, BadInput, Client, Wanted, connect, connect_async, tools
from vendor.client.answers import Vended
from vendor.client.live import leases
from vendor.client.paging import all_pages
from vendor.client.tokens import fixed
from vendor.secret import RawToken

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

BUCKET, HELLO = "cdm-lake", "tenant-general-warehouse/kbase/hello.txt"
READ = Ask(scope=[Wanted("s3://cdm-lake/tenant-general-warehouse/kbase/", "read")], duration=20)


@pytest.fixture
def client(seaweedfs_stack: "Stack") -> Iterator[Client]:
    token = RawToken(seaweedfs_stack.tokens["alice"])
    with Client(seaweedfs_stack.gateway.url, fixed(token)) as made:
        yield made


def test_a_boto3_session(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # ours wins
    session = client.session(READ)
    body = session.client("s3").get_object(Bucket=BUCKET, Key=HELLO)["Body"]
    assert body.read()
    assert HELLO in [item.key for item in session.resource("s3").Bucket(BUCKET).objects.filter(Prefix=HELLO)]
    assert session.get_credentials().method == "vend"


def test_what_was_kept_ends_with_the_client(seaweedfs_stack: "Stack") -> None:
    def live(client: Client) -> set[str]:
        return {lease.id for lease in all_pages(client.run, leases)}

    token = fixed(RawToken(seaweedfs_stack.tokens["alice"]))
    with Client(seaweedfs_stack.gateway.url, token) as watcher:
        with Client(seaweedfs_stack.gateway.url, token) as client:
            kept = client.keep(READ).held.lease.id
            assert kept in live(watcher)
        assert kept not in live(watcher)


def test_polars_gets_the_keys_in_hand(client: Client) -> None:
    keeper = client.keep(READ)
    named, ends = tools.polars_credentials(keeper)()
    assert named["aws_access_key_id"] == keeper.held.credentials.access_key_id
    assert ends == int(keeper.held.credentials.expiration)


async def test_the_same_calls_for_asyncio(seaweedfs_stack: "Stack", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_TOKEN", seaweedfs_stack.tokens["alice"])
    async with connect_async(seaweedfs_stack.gateway.url) as client:
        assert (await client.whoami()).principal == "alice"
        vended = await client.lease(Ask(scope=READ.scope, duration=20, renewable_for=600))
        assert vended.lease_token is not None
        fresh = await client.renew(vended.lease_token)
        assert fresh.lease.id == vended.lease.id
        assert (await client.show(vended.lease.id)).id == vended.lease.id
        assert (await client.revoke(vended.lease.id, vended.lease_token))["revoked"] is True
        assert [part.lease.principal for part in await client.lease_set(READ)] == ["alice"]


def test_connect_finds_what_vend_would(seaweedfs_stack: "Stack", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_URL", seaweedfs_stack.gateway.url)
    monkeypatch.setenv("VENDOR_TOKEN", seaweedfs_stack.tokens["bob"])
    with connect() as client:
        assert client.whoami().principal == "bob"


def made(**endpoint: Any) -> Vended:
    answer = lease()
    return Vended.read(
        {**answer, "endpoint": {"url": "http://127.0.0.1:8333", "region": "r-1", "path_style": True, **endpoint}}
    )


def test_options() -> None:
    plain, secure = made(), made(url="https://s3.example", path_style=False)
    key, secret, token = tools.keys(plain)

    assert tools.s3fs_options(plain)["token"] == token
    assert tools.pyarrow_options(plain)["endpoint_override"] == "127.0.0.1:8333"
    assert tools.pyarrow_options(secure)["scheme"] == "https"
    assert tools.polars_options(plain)["aws_allow_http"] == "true"
    assert tools.polars_options(secure)["aws_virtual_hosted_style_request"] == "true"
    assert tools.spark_conf(plain)["spark.hadoop.fs.s3a.access.key"] == key
    assert tools.s3a_options(secure)["fs.s3a.connection.ssl.enabled"] == "true"
    assert f"SECRET '{secret}'" in tools.duckdb_secret(plain)
    with pytest.raises(BadInput):
        tools.duckdb_secret(plain, "x; DROP")


def test_a_tool_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tools, "import_module", missing)
    with pytest.raises(BadInput, match="needs boto3"):
        tools.boto3_session(None)  # type: ignore[arg-type]  # it fails before it is looked at
