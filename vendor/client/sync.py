"""The synchronous client."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from vendor.client import calls, http, streams, tools
from vendor.client.address import parse_service_url
from vendor.client.answers import Lease, SignInHints, Vended, WhoAmI
from vendor.client.calls import Ask, Call
from vendor.client.errors import SignInNeeded
from vendor.client.keeper import Keeper, KeySource
from vendor.client.streams import Streamed
from vendor.client.tokens import TokenProvider, fixed
from vendor.secret import LeaseToken

T = TypeVar("T")


class Client:
    """Speaks to one gateway.  `token` is asked for a token before every call that needs one.

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
        self._kept: list[Keeper] = []
        options = http.options(self.gateway, ca_file=ca_file)
        try:
            self._http = httpx2.Client(**options)
        except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
            raise http.unusable_environment(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the leases that were kept, and close all connections."""
        while self._kept:
            self._kept.pop().close()
        self._http.close()

    def run(self, call: Call[T], token: TokenProvider | None = None) -> T:
        """Send one call and read its answer.  `token` stands in for the client's own."""
        headers = {} if call.anonymous else authorization(token or self._token)
        try:
            response = self._http.request(
                call.method, self.gateway + call.path, params=dict(call.params), json=call.body, headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.explain(error, self.gateway) from error
        return call.read(calls.read_answer(response.status_code, response.headers, response.content, self.gateway))

    def stream(
        self, path: str, kind: str, params: Mapping[str, str], token: TokenProvider | None = None
    ) -> AbstractContextManager[Streamed]:
        """Open an answer that is read line by line, of the content type `kind`."""
        return streams.opened(self.gateway, path, params, authorization(token or self._token), kind)

    def sign_in_hints(self) -> SignInHints:
        """Return how one can sign in at this gateway.  Needs no token."""
        return self.run(calls.sign_in_hints())

    def whoami(self) -> WhoAmI:
        """Return whom the token stands for."""
        return self.run(calls.whoami())

    def lease(self, ask: Ask | None = None) -> Vended:
        """Ask for one lease: keys to `ask.scope`, or to all that is granted."""
        return self.run(calls.lease(ask or Ask()))

    def lease_set(self, ask: Ask | None = None) -> Sequence[Vended]:
        """Ask for as many leases as it takes to cover the scope."""
        return self.run(calls.lease_set(ask or Ask()))

    def keep(self, ask: Ask | None = None) -> Keeper:
        """Hold a lease whose keys are renewed in the background, until it or the client is closed."""
        keeper = Keeper(KeySource(self, ask or Ask()))
        self._kept.append(keeper)
        return keeper

    def session(self, ask: Ask | None = None) -> Any:
        """Return a boto3 session (boto3 has to be installed) with keys that are renewed until the client is closed."""
        return tools.boto3_session(self.keep(ask))

    def show(self, lease_id: str) -> Lease:
        """Return one lease, without secrets."""
        return self.run(calls.show(lease_id))

    def renew(self, lease_token: LeaseToken) -> Vended:
        """Get fresh keys for a lease that was asked to be renewable.  What is granted is looked up anew."""
        return self.run(calls.renew(), fixed(lease_token))

    def revoke(self, lease_id: str, lease_token: LeaseToken | None = None) -> Mapping[str, object]:
        """End one lease and return when that takes effect.  Its own token will do."""
        return self.run(calls.revoke(lease_id), fixed(lease_token) if lease_token else None)


def authorization(token: TokenProvider | None) -> dict[str, str]:
    """Return the header that carries the token."""
    if token is None:
        raise SignInNeeded("You are not signed in.")
    return {"authorization": f"Bearer {token().reveal()}"}
