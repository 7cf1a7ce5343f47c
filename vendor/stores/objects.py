"""The few S3 calls on objects that the gateway makes itself, always with temporary keys that are narrowed to the task.

Writing the marker of a new home, and listing and deleting what an administrator wants gone.  How a call is signed and
sent, and within which limits, is the business of `s3`.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

from vendor.errors import StoreRefused, StoreUnavailable
from vendor.names import Bucket, Prefix
from vendor.stores.credentials import Credentials
from vendor.stores.objects_xml import S3Answer, fits_xml
from vendor.stores.s3 import S3, Call, path_of
from vendor.stores.xml import parse_error_code

PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys under a prefix, and where the listing goes on; None at its end."""

    keys: tuple[str, ...]
    following: str | None


class Objects:
    """One store's objects.  Every method raises StoreUnavailable and StoreRefused."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._s3 = S3(endpoint, region)

    async def close(self) -> None:
        """Close all connections."""
        await self._s3.close()

    async def put_new(self, keys: Credentials, bucket: Bucket, key: str, body: bytes) -> bool:
        """Write an object unless there is one already; False if there was.

        Asked first as well, because not every store looks at the condition.
        """
        status, _ = await self._call(keys, "HEAD", bucket, key)
        if status == 200:
            return False
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
        """Delete up to 1,000 objects; those that are gone already are no failure.

        All in one call, apart from keys that XML cannot carry, and folders, which some stores keep in such a call.
        """
        awkward = [name for name in names if name.endswith("/") or not fits_xml(name)]
        plain = [name for name in names if not name.endswith("/") and fits_xml(name)]
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
        question = tuple(sorted((query or {}).items()))
        call = Call(method, path_of(bucket, key), question, headers=headers or {}, body=body)
        reply = await self._s3.send(keys, call)
        return reply.status, reply.body


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
