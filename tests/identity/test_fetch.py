"""Asking over HTTP: bounded in time and size, straight to the address that was given, and nowhere else."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from aiohttp import web

from tests.identity.world.cluster import ISSUER, READER, cluster
from tests.identity.world.provider import Provider, dripping, endless, serving, silent, status
from vendor.identity.fetch import Answer, Fetcher, FetchFailed, read_file, tls_context
from vendor.identity.key_source import KeySource
from vendor.identity.trust_shape import Issuer, Rule


async def fetched(provider: Provider, path: str = "/x", **more: float) -> Answer:
    async with Fetcher() as fetcher:
        return await fetcher.get(provider.url + path, limit=1000, total_seconds=more.get("seconds", 5.0))


async def test_an_answer_of_any_status_comes_back() -> None:
    async with serving() as provider:
        provider.documents["/x"] = {"a": 1}
        assert await fetched(provider) == Answer(200, b'{"a": 1}')
        assert (await fetched(provider, "/missing")).status == 404


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308, 300])
async def test_redirects_are_not_followed(code: int) -> None:
    async with serving() as provider:
        provider.documents["/y"] = {}
        provider.faults["/x"] = status(code, Location=f"{provider.url}/y")
        with pytest.raises(FetchFailed, match="redirect"):
            await fetched(provider)
        assert provider.hits["/y"] == 0


@pytest.mark.parametrize("handler", [silent(), dripping()], ids=["silent", "dripping"])
async def test_slow_answers_end_in_time(handler: object) -> None:
    async with serving() as provider:
        provider.faults["/x"] = handler  # type: ignore[assignment]  # both are handlers
        started = time.monotonic()
        with pytest.raises(FetchFailed, match="in time"):
            await fetched(provider, seconds=0.5)
        assert time.monotonic() - started < 2


async def test_reading_stops_at_the_limit() -> None:
    async with serving() as provider:
        provider.faults["/x"] = endless()
        with pytest.raises(FetchFailed, match="longer than 1000"):
            await fetched(provider)
        provider.faults["/x"] = status(200, "a" * 1000)
        assert len((await fetched(provider)).body) == 1000


async def test_compressed_answers_are_refused_unread() -> None:
    async with serving() as provider:
        provider.faults["/x"] = status(200, "bomb", **{"Content-Encoding": "gzip"})
        with pytest.raises(FetchFailed, match="compressed"):
            await fetched(provider)


async def test_what_is_not_http_and_what_is_not_there() -> None:
    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Fetcher() as fetcher:
        with pytest.raises(FetchFailed):
            await fetcher.get(f"http://127.0.0.1:{port}/", limit=100)
        server.close()
        await server.wait_closed()
        with pytest.raises(FetchFailed, match="cannot be reached"):
            await fetcher.get(f"http://127.0.0.1:{port}/", limit=100)


async def test_proxies_and_passwords_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str | None] = []

    async def remember(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(text="{}")

    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    async with serving() as proxy, serving() as provider:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(netrc))
        provider.faults["/x"] = remember
        assert (await fetched(provider)).status == 200
        assert not proxy.hits
    assert seen == [None]


async def test_cookies_are_not_kept() -> None:
    seen: list[str | None] = []

    async def bake(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie"))
        return web.Response(text="{}", headers={"Set-Cookie": "session=canary"})

    async with serving() as provider, Fetcher() as fetcher:
        provider.faults["/x"] = bake
        for _ in range(2):
            await fetcher.get(provider.url + "/x", limit=100)
    assert seen == [None, None]


async def test_files_have_the_same_limit(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(b"a" * 100)
    assert await read_file(file, 100) == b"a" * 100
    with pytest.raises(FetchFailed, match="longer than 99"):
        await read_file(file, 99)
    with pytest.raises(FetchFailed, match="cannot be read"):
        await read_file(tmp_path / "missing", 99)


def pod_issuer(uri: str, ca_file: Path | None, bearer_file: Path | None) -> Issuer:
    rule = Rule.model_validate({"name": "r"})
    return Issuer.model_validate(
        {
            "name": "cluster",
            "url": ISSUER,
            "audiences": ("vendor",),
            "algorithms": ("RS256",),
            "tokens": ("workload",),
            "jwks_uri": uri,
            "ca_file": ca_file and str(ca_file),
            "bearer_file": bearer_file and str(bearer_file),
            "rule": (rule,),
        }
    )


async def test_a_cluster_with_its_own_authority_and_a_reader_token(tmp_path: Path) -> None:
    with cluster(tmp_path) as pods:
        async with Fetcher() as fetcher:

            async def keys(ca_file: Path | None, bearer_file: Path | None) -> object:
                source = KeySource(pod_issuer(pods.jwks_uri, ca_file, bearer_file), folder=tmp_path, fetcher=fetcher)
                return source.parse(await source.read()).find("k8s-1")

            assert await keys(pods.ca_file, pods.bearer_file)
            with pytest.raises(FetchFailed, match="status 401"):
                await keys(pods.ca_file, None)
            with pytest.raises(FetchFailed, match="certificate"):
                await keys(None, pods.bearer_file)
            with pytest.raises(FetchFailed, match="cannot be read") as failed:
                await keys(pods.ca_file, tmp_path / "missing")
            assert READER not in str(failed.value)


def test_the_systems_authorities_are_not_used_beside_ones_own(tmp_path: Path) -> None:
    with cluster(tmp_path):
        context = tls_context(tmp_path / "ca.crt")
    assert context is not None
    assert len(context.get_ca_certs()) == 1


class Canned:
    """Answers every question with the same document, and remembers the addresses."""

    def __init__(self, document: object) -> None:
        self.body = json.dumps(document).encode()
        self.asked: list[str] = []

    async def get(self, url: str, **_more: object) -> Answer:
        self.asked.append(url)
        return Answer(200, self.body)


@pytest.mark.parametrize(
    "uri",
    [
        "http://idp.example:8443/jwks",
        "file://idp.example:8443/etc/passwd",
        "https://idp.example/jwks",
        "https://idp.example:8443.evil.example/jwks",
        "https://user@idp.example:8443/jwks",
        "https://idp.example:8443@evil.example/jwks",
        "https://evil.example/?https://idp.example:8443/",
        "https://idp.example:8443/jwks#x",
        "https://idp.example:99999/jwks",
        "//idp.example:8443/jwks",
        "/jwks",
        "",
        7,
        None,
    ],
)
async def test_discovery_sends_us_nowhere_else(uri: object, tmp_path: Path) -> None:
    issuer = pod_issuer("https://unused.example", None, None).model_copy(
        update={"url": "https://idp.example:8443", "jwks_uri": None}
    )
    canned = Canned({"issuer": "https://idp.example:8443", "jwks_uri": uri})
    source = KeySource(issuer, folder=tmp_path, fetcher=canned)  # type: ignore[arg-type]  # it has the one method used
    with pytest.raises(FetchFailed):
        await source.read()
    assert canned.asked == ["https://idp.example:8443/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("hosts", "uri"),
    [
        ((), "https://idp.example:8443/keys"),
        (("keys.example",), "https://keys.example/jwks"),
        (("keys.example:444",), "https://keys.example:444/jwks"),
        ((), "https://IDP.example:8443/jwks"),
    ],
)
async def test_discovery_may_name_hosts_that_the_operator_knows(
    hosts: tuple[str, ...], uri: str, tmp_path: Path
) -> None:
    issuer = pod_issuer("https://unused.example", None, None).model_copy(
        update={"url": "https://idp.example:8443", "jwks_uri": None, "jwks_hosts": hosts}
    )
    canned = Canned({"issuer": "https://idp.example:8443", "jwks_uri": uri})
    source = KeySource(issuer, folder=tmp_path, fetcher=canned)  # type: ignore[arg-type]  # as above
    await source.read()
    assert canned.asked[1] == uri
