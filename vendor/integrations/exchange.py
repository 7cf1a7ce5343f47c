"""What a hub says to the gateway, in its event loop: from a person's token to a lease token, and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self
from urllib.parse import urlencode

import httpx2

from vendor.client import calls, http
from vendor.client.aio import AsyncClient
from vendor.client.answers import Vended
from vendor.client.calls import Ask, Wanted
from vendor.client.errors import BadAnswer, BadInput, ClientError, GatewayError, Unavailable
from vendor.client.text import printable
from vendor.client.tokens import fixed
from vendor.integrations import folders
from vendor.secret import LeaseToken, RawToken

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind


@dataclass(frozen=True, slots=True)
class Wish:
    """The lease that is wanted for somebody: `scope` as pairs of path and access, nothing for all that is granted."""

    scope: Sequence[tuple[str, str]] = ()
    duration: int | None = None
    renewable_for: int | None = None
    store: str | None = None
    audit_context: Mapping[str, str] = field(default_factory=dict)

    def ask(self) -> Ask:
        """Return it as the lease API has it."""
        wanted = tuple(Wanted(path, "write" if access == "write" else "read") for path, access in self.scope)
        return Ask(wanted, self.duration, self.renewable_for, self.store, audit_context=self.audit_context)

    def form(self) -> list[tuple[str, str]]:
        """Return it as token exchange has it, which knows one level for all paths, and no stores."""
        levels = {access for _, access in self.scope}
        if len(levels) > 1 or self.store is not None:
            raise BadInput(
                "A hub that acts for others asks for one level on all paths, at the default store.",
                remedy="Let the scope say `write` for all, or leave the scope or the store out.",
            )
        fields = [("resource", path) for path, _ in self.scope] + [("scope", level) for level in levels]
        times = (("duration", self.duration), ("renewable_for", self.renewable_for))
        return fields + [(name, str(seconds)) for name, seconds in times if seconds is not None]


class Exchange:
    """Speaks to one gateway."""

    def __init__(self, gateway: str, *, insecure_http: bool = False) -> None:
        self._client = AsyncClient(gateway, insecure_http=insecure_http)
        self.gateway = self._client.gateway
        self._http = httpx2.AsyncClient(**http.options(self.gateway, asynchronous=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._http.aclose()

    async def lease(self, subject: RawToken, wish: Wish, actor: RawToken | None = None) -> Vended:
        """Return a renewable lease with its token.  Raises ClientError."""
        if actor is None:
            held = await self._client.run(calls.lease(wish.ask()), fixed(subject))
        else:
            token = await self._exchanged(subject, actor, wish)
            try:
                held = replace(await self._client.renew(token), lease_token=token)
            except BaseException:
                await self.revoke(token)  # nobody would end it
                raise
        if held.lease_token is None:
            raise BadAnswer("The gateway gave no lease token.")
        return held

    async def homes(self, subject: RawToken, principal: str) -> Mapping[str, str]:
        """Return the folders of a person, by kind: `general` and `sql`, as shipped."""
        return await self._client.run(folders.homes(principal), fixed(subject))

    async def revoke(self, token: LeaseToken) -> None:
        """End the lease of a token; one that has ended already is fine."""
        await self._post("/oauth/revoke", [("token", token.reveal())])

    async def _exchanged(self, subject: RawToken, actor: RawToken, wish: Wish) -> LeaseToken:
        answer = await self._post(
            "/oauth/token",
            [
                ("grant_type", GRANT),
                ("subject_token", subject.reveal()),
                ("subject_token_type", ACCESS_TOKEN),
                ("actor_token", actor.reveal()),
                ("actor_token_type", ACCESS_TOKEN),
                *wish.form(),
            ],
        )
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.startswith("vlt_"):
            raise BadAnswer("The gateway gave no lease token.")
        return LeaseToken(token)

    async def _post(self, path: str, form: Sequence[tuple[str, str]]) -> Mapping[str, object]:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            response = await self._http.post(self.gateway + path, content=urlencode(form), headers=headers)
            answer = response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.explain(error, self.gateway) from None
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        raise _refusal(response.status_code, answer, self.gateway)


def _refusal(status: int, answer: object, gateway: str) -> ClientError:
    said = answer if isinstance(answer, dict) else {}
    text = printable(str(said.get("error_description") or f"{gateway} did not answer as a gateway does."))
    if status >= 500 or status == 429:
        return Unavailable(text)
    return GatewayError(text, status=status, code=printable(str(said.get("error", "unknown"))))
