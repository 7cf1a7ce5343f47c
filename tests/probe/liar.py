"""A store that does not do what it should: a real one, behind a proxy that breaks one of its promises."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey
from yarl import URL

from vendor.dev.store import KeyPair, StoreSite

_HOP: frozenset[str] = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as a lie looks at it.  `form` are the members of an STS or IAM call."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def action(self) -> str:
        return self.form.get("Action", "")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Obliging = Callable[[Seen], bool]


@dataclass(frozen=True, slots=True)
class Lie:
    """What the proxy does wrong.

    `obliges` are requests that it signs with the administrator's key, whoever asks; `refuses` those it denies;
    `form` rewrites an STS call; `answers` makes an answer up, None to ask the store; `answer` rewrites one.
    """

    obliges: Obliging = lambda _: False
    refuses: Obliging = lambda _: False
    form: Callable[[dict[str, str]], dict[str, str]] = lambda form: form
    answers: Callable[[Seen], Told | None] = lambda _: None
    answer: Callable[[Seen, Told], Told] = lambda _, told: told


class Liar:
    """The proxy.  Its store can be told to lie, and to stop."""

    def __init__(self, site: StoreSite) -> None:
        self.site = site
        self.lie = Lie()
        self.url = ""
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Liar"]:
        """Serve on a port of its own as long as the block lasts."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession(auto_decompress=False, trust_env=False) as self._session:
                yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        form = dict(parse_qsl(body.decode())) if "urlencoded" in request.headers.get("content-type", "") else {}
        seen = Seen(request.method, request.path, dict(request.query), _lower(request.headers), body, form)
        told = self.lie.answers(seen)
        if told is None and self.lie.refuses(seen):
            told = Told(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
        if told is None:
            told = self.lie.answer(seen, await self._ask(seen, request.raw_path))
        return web.Response(status=told.status, headers=dict(told.headers), body=told.body)

    async def _ask(self, seen: Seen, target: str) -> Told:
        headers, body = dict(seen.headers), seen.body
        if self.lie.obliges(seen):
            headers, target = self._as_administrator(seen, target)
        rewritten = self.lie.form(dict(seen.form))
        if "WebIdentityToken" in seen.form and rewritten != seen.form:  # what is not signed can be rewritten
            body = urlencode(rewritten).encode()
        headers.pop("content-length", None)
        assert self._session is not None
        url = URL(self.site.endpoint + target, encoded=True)
        async with self._session.request(seen.method, url, data=body, headers=headers, allow_redirects=False) as answer:
            kept = {name: value for name, value in _lower(answer.headers).items() if name not in _HOP - {"date"}}
            return Told(answer.status, kept, await answer.read())

    def _as_administrator(self, seen: Seen, target: str) -> tuple[dict[str, str], str]:
        path, _, query = target.partition("?")
        plain = "&".join(pair for pair in query.split("&") if pair and not pair.startswith("X-Amz-"))
        target = f"{path}?{plain}" if plain else path
        kept = {n: v for n, v in seen.headers.items() if n in {"x-amz-copy-source", "content-type"}}
        request = AWSRequest(seen.method, self.site.endpoint + target, kept, seen.body)
        key = SigningKey(self.site.admin.access_key, self.site.admin.secret_key)
        if seen.action:
            service = "iam" if seen.form.get("Version", "").startswith("2010") else "sts"
            SigV4Auth(self._caller(service, key), service, self.site.region).add_auth(request)
        else:
            S3SigV4Auth(key, "s3", self.site.region).add_auth(request)
        return dict(request.headers.items()), target

    def _caller(self, service: str, admin: SigningKey) -> SigningKey:
        pair: KeyPair = self.site.service
        return admin if service == "iam" else SigningKey(pair.access_key, pair.secret_key)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
