"""The asynchronous client: the same calls as the synchronous one."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from vendor.client import calls, http
from vendor.client.address import parse_service_url
from vendor.client.answers import Lease, SignInHints, Vended, WhoAmI
from vendor.client.calls import Ask, Call
from vendor.client.sync import authorization
from vendor.client.tokens import TokenProvider, fixed
from vendor.secret import LeaseToken

T = TypeVar("T")


class AsyncClient:
    """Speaks to one gateway.  `token` is asked, in a thread, for a token before every call that needs one.

    The certificates in `ca_file` are trusted instead of the system's.
    """

    def __init__(
        self,
        gateway: str,
        token: TokenProvider | None = None,
        *,
        insecure_http: bool = False,
        ca_file: Path | None = None,
    ) -> None:
        self.gateway = parse_service_url(gateway, insecure_http=insecure_http)
        self._token = token
        options = http.options(self.gateway, asynchronous=True, ca_file=ca_file)
        try:
            self._http = httpx2.AsyncClient(**options)
        except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
            raise http.unusable_environment(error) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def run(self, call: Call[T], token: TokenProvider | None = None) -> T:
        """Send one call and read its answer.  `token` stands in for the client's own."""
        # A provider may read a file or refresh a sign-in over the network.
        headers = {} if call.anonymous else await asyncio.to_thread(authorization, token or self._token)
        try:
            response = await self._http.request(
                call.method, self.gateway + call.path, params=dict(call.params), json=call.body, headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.explain(error, self.gateway) from error
        return call.read(calls.read_answer(response.status_code, response.headers, response.content, self.gateway))

    async def sign_in_hints(self) -> SignInHints:
        """Return how one can sign in at this gateway.  Needs no token."""
        return await self.run(calls.sign_in_hints())

    async def whoami(self) -> WhoAmI:
        """Return whom the token stands for."""
        return await self.run(calls.whoami())

    async def lease(self, ask: Ask | None = None) -> Vended:
        """Ask for one lease: keys to `ask.scope`, or to all that is granted."""
        return await self.run(calls.lease(ask or Ask()))

    async def lease_set(self, ask: Ask | None = None) -> Sequence[Vended]:
        """Ask for as many leases as it takes to cover the scope."""
        return await self.run(calls.lease_set(ask or Ask()))

    async def show(self, lease_id: str) -> Lease:
        """Return one lease, without secrets."""
        return await self.run(calls.show(lease_id))

    async def renew(self, lease_token: LeaseToken) -> Vended:
        """Get fresh keys for a lease that was asked to be renewable.  What is granted is looked up anew."""
        return await self.run(calls.renew(), fixed(lease_token))

    async def revoke(self, lease_id: str, lease_token: LeaseToken | None = None) -> Mapping[str, object]:
        """End one lease and return when that takes effect.  Its own token will do."""
        return await self.run(calls.revoke(lease_id), fixed(lease_token) if lease_token else None)
