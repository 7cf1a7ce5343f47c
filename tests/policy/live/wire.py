"""S3 over the bare wire: keys exactly as they are, whatever a client library would make of them.

Only the signature comes from botocore.  Every call answers with a status and a body; nothing is retried.
"""

import hashlib
import http.client
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a store said."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def denied(self) -> bool:
        """Whether the call was not permitted; any other answer, an error too, means that it was."""
        return self.status == 403


class Wire:
    """One connection to a store with one set of keys."""

    def __init__(self, endpoint: str, access_key: str, secret_key: str, token: str | None = None) -> None:
        self._place = urlsplit(endpoint).netloc
        self._credentials = Credentials(access_key, secret_key, token)
        self._connection = http.client.HTTPConnection(self._place, timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: dict[str, str] | None = None,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sign and send one request.  `query` values are encoded here; an empty value is written `name=`."""
        path = f"/{bucket}" + (f"/{quote(key, safe='/~')}" if key else "")
        asked = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted((query or {}).items()))
        url = f"http://{self._place}{path}" + (f"?{asked}" if asked else "")
        sent = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **(headers or {})}
        request = AWSRequest(method=method, url=url, data=body, headers=sent)
        S3SigV4Auth(self._credentials, "s3", "us-east-1").add_auth(request)
        signed = {name: str(value) for name, value in request.headers.items()}
        self._connection.request(method, url.removeprefix(f"http://{self._place}"), body=body, headers=signed)
        response = self._connection.getresponse()
        content = response.read()
        return Answer(response.status, content, {name.lower(): value for name, value in response.getheaders()})
