"""The few S3 calls on objects that the gateway makes itself, always with temporary keys that are narrowed to the task.

Writing the marker of a new home, and listing and deleting what an administrator wants gone.  botocore signs, aiohttp
sends; nothing is redirected, sent through a proxy of the environment, or longer than the limits below.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_plus, urlencode
from xml.sax.saxutils import escape

import aiohttp
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey
from yarl import URL

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.names import Bucket, Prefix
from vendor.stores.credentials import Credentials
from vendor.stores.objects_xml import S3Answer, fits_xml
from vendor.stores.xml import parse_error_code

TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0, connect=2.0)
MAX_ANSWER: Final = 4 * 1024 * 1024  # a page of 1,000 keys of 1,024 bytes, each byte percent-encoded
PAGE: Final = 1000
CONNECTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys under a prefix, and where the listing goes on; None at its end."""

    keys: tuple[str, ...]
    following: str | None


class Objects:
    """One store's objects.  Every method raises StoreUnavailable and StoreRefused."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._region = region
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def put_new(self, keys: Credentials, bucket: Bucket, key: str, body: bytes) -> bool:
        """Write an object unless there is one already; False if there was."""
        status, answer = await self._call(keys, "PUT", bucket, key, body=body, headers={"if-none-match": "*"})
        if status == 412:
            return False
        _require(status == 200, status, answer)
        return True

    async def page(self, keys: Credentials, bucket: Bucket, prefix: Prefix, after: str | None) -> Page:
        """List up to 1,000 keys under `prefix`, from where an earlier page left off."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(PAGE), "encoding-type": "url"}
        if after is not None:
            query["continuation-token"] = after
        status, answer = await self._call(keys, "GET", bucket, query=query)
        _require(status == 200, status, answer)
        listed = S3Answer.parse(answer)
        encoded = listed.text("EncodingType") == "url"
        found = tuple(unquote_plus(key) if encoded else key for key in listed.texts("Contents", "Key"))
        if any(not key.startswith(prefix) for key in found):
            raise StoreRefused("The store listed keys outside the prefix that was asked for.")
        return Page(found, listed.text("NextContinuationToken") if listed.text("IsTruncated") == "true" else None)

    async def delete(self, keys: Credentials, bucket: Bucket, names: Sequence[str]) -> None:
        """Delete up to 1,000 objects; those that are gone already are no failure."""
        awkward = [name for name in names if not fits_xml(name)]
        plain = [name for name in names if fits_xml(name)]
        if plain:
            listed = "".join(f"<Object><Key>{escape(name)}</Key></Object>" for name in plain)
            body = f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>{listed}</Delete>'
            _require_no_error(S3Answer.parse(await self._delete_many(keys, bucket, body.encode())))
        for name in awkward:
            status, answer = await self._call(keys, "DELETE", bucket, name)
            _require(status in {200, 204, 404}, status, answer)

    async def _delete_many(self, keys: Credentials, bucket: Bucket, body: bytes) -> bytes:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()  # demanded by S3
        headers = {"content-md5": digest, "content-type": "application/xml"}
        status, answer = await self._call(keys, "POST", bucket, query={"delete": ""}, body=body, headers=headers)
        _require(status == 200, status, answer)
        return answer

    async def _call(
        self,
        keys: Credentials,
        method: str,
        bucket: Bucket,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        path = quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe="/-._~")
        question = f"?{urlencode(sorted(query.items()), quote_via=quote, safe='-._~')}" if query else ""
        request = AWSRequest(method, f"{self._endpoint}{path}{question}", dict(headers or {}), body)
        signing_key = SigningKey(keys.access_key_id, keys.secret_key.reveal(), keys.session_token.reveal())
        S3SigV4Auth(signing_key, "s3", self._region).add_auth(request)
        return await self._send(method, str(request.url), body, dict(request.headers.items()))

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            async with self._open().request(
                method, URL(url, encoded=True), data=body or None, headers=headers, allow_redirects=False
            ) as answer:
                content = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        raise StoreRefused("The store's answer is too long.")
                return answer.status, bytes(content)
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise StoreUnavailable(f"The store does not answer ({type(failure).__name__}).") from failure

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=30),
                timeout=TIMEOUT,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "vendor"},
            )
        return self._session


def _require(fine: bool, status: int, answer: bytes) -> None:
    if fine:
        return
    code = parse_error_code(answer)
    if status >= 500 or status == 429 or code == "SlowDown":
        raise StoreUnavailable(f"The store cannot serve at the moment ({status} {code}).")
    raise StoreRefused(f"The store refused ({status} {code}).", details={"store_code": code})


def _require_no_error(answer: S3Answer) -> None:
    codes = answer.texts("Error", "Code")
    if codes:
        raise StoreRefused(f"The store refused to delete {len(codes)} objects.", details={"store_code": codes[0][:64]})
