"""Where an issuer's keys come from: its discovery document, a fixed address, or a file.

The discovery document may only speak for the issuer that it was asked about, and may only send us to hosts that the
operator knows.
"""

from pathlib import Path

from vendor.identity.fetch import Fetcher, FetchFailed, read_file, tls_context
from vendor.identity.jwk import BadKeySet, VerifyingKeys, parse_key_set
from vendor.identity.trust_shape import Issuer
from vendor.identity.urls import problem_with_url, same_host
from vendor.strict_json import BadJson, parse_object

MAX_DOCUMENT_BYTES = 512 * 1024
_MAX_BEARER_BYTES = 16 * 1024


class KeySource:
    """Reads the key set of one issuer, afresh each time."""

    def __init__(self, issuer: Issuer, *, folder: Path, fetcher: Fetcher) -> None:
        self._issuer = issuer
        self._folder = folder
        self._fetcher = fetcher
        self._tls = tls_context(folder / issuer.ca_file if issuer.ca_file else None)

    async def read(self) -> bytes:
        """Return the issuer's key set of this moment.  Raises FetchFailed, whatever is wrong."""
        issuer = self._issuer
        if issuer.jwks_file is not None:
            return await read_file(self._folder / issuer.jwks_file, MAX_DOCUMENT_BYTES)
        return await self._get(issuer.jwks_uri or await self._discovered())

    def parse(self, document: bytes) -> VerifyingKeys:
        """Return the usable keys of a key set.  Raises FetchFailed if there are none."""
        try:
            return parse_key_set(_object(document, "key set"), self._issuer.algorithms)
        except BadKeySet as problem:
            raise FetchFailed(f"its key set is refused: {problem}") from None

    async def _discovered(self) -> str:
        """Return the address of the keys according to the discovery document (OpenID Connect Discovery, 4.3)."""
        issuer = self._issuer
        document = _object(
            await self._get(issuer.url.rstrip("/") + "/.well-known/openid-configuration"), "discovery document"
        )
        if document.get("issuer") != issuer.url:
            raise FetchFailed("its discovery document names another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or problem_with_url(uri, allow_http=issuer.allow_http):
            raise FetchFailed("its discovery document places the keys at an address that is not accepted")
        if not any(same_host(uri, known) for known in (issuer.url, *(f"https://{host}" for host in issuer.jwks_hosts))):
            raise FetchFailed("its discovery document places the keys on another host; name it in `jwks_hosts`")
        return uri

    async def _get(self, url: str) -> bytes:
        headers = {}
        if self._issuer.bearer_file is not None:
            token = (await read_file(self._folder / self._issuer.bearer_file, _MAX_BEARER_BYTES)).strip()
            headers["Authorization"] = f"Bearer {token.decode('ascii', 'replace')}"
        answer = await self._fetcher.get(url, limit=MAX_DOCUMENT_BYTES, headers=headers, tls=self._tls)
        if answer.status != 200:
            raise FetchFailed(f"it answered with status {answer.status}")
        return answer.body


def _object(data: bytes, what: str) -> dict[str, object]:
    try:
        return parse_object(data)
    except BadJson as problem:
        raise FetchFailed(f"its {what} is refused: {problem}") from None
