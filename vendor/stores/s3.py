"""S3 calls signed with temporary keys, one at a time.

What a call asks is the caller's business; how it is sent is decided here: botocore signs, aiohttp sends, nothing is
redirected, goes through a proxy of the environment, takes longer or answers more than the limits below.  A path is
sent exactly as it is given, so that a probe can send what no client would.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey
from yarl import URL

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.outgoing import open_session
from vendor.stores.credentials import Credentials
from vendor.stores.xml import parse_error_code

# For a connection to be made, not for one to be free: while a store is slow, those who wait in line have the same time.
TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0, sock_connect=2.0)
MAX_ANSWER: Final = 4 * 1024 * 1024  # a page of 1,000 keys of 1,024 bytes, each byte percent-encoded
CONNECTIONS: Final = 16
PRESIGNED_SECONDS: Final = 300
_SAFE: Final = "/-._~"


@dataclass(frozen=True, slots=True)
class Call:
    """One call.  `path` is percent-encoded already (see `path_of`); `unsigned` headers are sent beside the signed."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    unsigned: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    service: str = "s3"

    @property
    def target(self) -> str:
        """Path and query as they go over the wire; a parameter without a value has no `=`."""
        pairs = [urlencode([pair], quote_via=quote, safe="-._~") if pair[1] else quote(pair[0]) for pair in self.query]
        return f"{self.path}?{'&'.join(pairs)}" if pairs else self.path


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.  Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def fine(self) -> bool:
        """The call was allowed, and done."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The error code of a refusal; `unreadable` if there is none."""
        return parse_error_code(self.body)

    @property
    def short(self) -> str:
        """The answer in two words, for a report."""
        return str(self.status) if self.fine or self.code == "unreadable" else f"{self.status} {self.code}"


def path_of(bucket: str, key: str = "") -> str:
    """Return the path-style path of a bucket or an object."""
    return quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe=_SAFE)


class S3:
    """A pool of connections to one S3 endpoint.  Calls raise StoreUnavailable, and StoreRefused for endless answers."""

    def __init__(self, endpoint: str, region: str, *, most_answer: int = MAX_ANSWER) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._region = region
        self._most_answer = most_answer
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def send(self, keys: Credentials | None, call: Call) -> Reply:
        """Sign a call with `keys` (None: as nobody) and send it."""
        request = self._request(call)
        if keys is not None:
            signer = S3SigV4Auth if call.service == "s3" else SigV4Auth
            signer(_signing(keys), call.service, self._region).add_auth(request)
        return await self._exchange(call, str(request.url), {**dict(request.headers.items()), **call.unsigned})

    async def send_presigned(self, keys: Credentials, call: Call, *, instead: Call | None = None) -> Reply:
        """Make a presigned URL of a call and use it, for the path of another call where one is given."""
        request = self._request(call)
        S3SigV4QueryAuth(_signing(keys), "s3", self._region, expires=PRESIGNED_SECONDS).add_auth(request)
        url = str(request.url)
        if instead is not None:
            url = f"{self.endpoint}{instead.path}?{url.partition('?')[2]}"
        return await self._exchange(call, url, {**call.headers, **call.unsigned})

    def _request(self, call: Call) -> AWSRequest:
        return AWSRequest(call.method, f"{self.endpoint}{call.target}", dict(call.headers), call.body)

    async def _exchange(self, call: Call, url: str, headers: Mapping[str, str]) -> Reply:
        try:
            async with self._open().request(
                call.method, URL(url, encoded=True), data=call.body or None, headers=headers, allow_redirects=False
            ) as answer:
                content = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    content += chunk
                    if len(content) > self._most_answer:
                        raise StoreRefused("The store's answer is too long.")
                return Reply(answer.status, {n.lower(): v for n, v in answer.headers.items()}, bytes(content))
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise StoreUnavailable(f"The store does not answer ({type(failure).__name__}).") from failure

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(CONNECTIONS, timeout=TIMEOUT, idle=30)
        return self._session


def _signing(keys: Credentials) -> SigningKey:
    return SigningKey(keys.access_key_id, keys.secret_key.reveal(), keys.session_token.reveal() or None)
