"""People with KBase tokens who call the MMS-compatible API, as many new ones as a test wants."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import redis

from tests.support.contract import held
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client
from vendor.dev.users import KBASE_ADMIN_ROLE, KBASE_ROLE


@dataclass
class Person:
    """Somebody with a client of their own."""

    name: str
    web: httpx2.Client = field(repr=False)
    stack: Stack = field(repr=False)

    @property
    def home(self) -> str:
        """Their general home, as MMS writes it."""
        return f"s3a://{self.stack.bucket}/users-general-warehouse/{self.name}/"

    def call(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        """Send one request; `body` becomes JSON.  An answer that the API's document does not tell of is a failure."""
        if body is not None:
            more["json"] = body
        return held(self.web.request(method, path, **more))

    def get(self, path: str) -> Any:
        """GET what must be there."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None, status: int = 200) -> Any:
        """POST with the status that it must have."""
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def error(self, method: str, path: str, body: object = None) -> tuple[int, int]:
        """Send what must be refused in the service's form; return status and number."""
        answer = self.call(method, path, body)
        assert answer.status_code >= 400, answer.text
        refusal = answer.json()
        assert set(refusal) == {"error", "error_type", "message"}, refusal
        assert refusal["error_type"]
        assert refusal["message"]
        return answer.status_code, refusal["error"]

    def detail(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Send what must be refused in the framework's form; return status and detail."""
        answer = self.call(method, path, body)
        assert answer.status_code >= 400, answer.text
        assert set(answer.json()) == {"detail"}, answer.text
        return answer.status_code, answer.json()["detail"]

    def s3(self, keys: dict[str, Any] | None = None) -> Any:
        """Return an S3 client with this person's present keys, or others."""
        keys = keys or self.get("/credentials/")
        pair = KeyPair(keys["access_key"], keys["secret_key"])
        return s3_client(keys["endpoint"]["url"], pair, keys["session_token"])


class People:
    """Makes people and tenants that no other test knows."""

    def __init__(self, stack: Stack, url: str | None = None) -> None:
        self.stack = stack
        self._url = url or stack.gateway.url
        self._clients: list[httpx2.Client] = []

    def person(self, lead: str = "p", *, known: bool = True, admin: bool = False, display: str = "") -> Person:
        """Somebody new; `known` if they have called once."""
        name = f"{lead}{secrets.token_hex(4)}"
        roles = [KBASE_ROLE, KBASE_ADMIN_ROLE] if admin else [KBASE_ROLE]
        self.stack.kbase.add_user(name, roles, display)
        made = self.holder(name, self.stack.kbase.issue(name))
        if known:
            made.get("/workspaces/me/groups")
        return made

    def admin(self) -> Person:
        """Carol, who administrates."""
        return self.holder("carol", self.stack.tokens["carol"])

    def tenant(self, *members: Person, readers: tuple[Person, ...] = (), name: str | None = None) -> str:
        """A new tenant with these members."""
        name = name or f"t{secrets.token_hex(4)}x"
        carol = self.admin()
        carol.post(f"/management/groups/{name}", status=201)
        carol.call("DELETE", f"/management/groups/{name}/members/carol")
        for group, people in ((name, members), (f"{name}ro", readers)):
            for one in people:
                carol.post(f"/management/groups/{group}/members/{one.name}")
        return name

    def holder(self, name: str, token: str | None, *, url: str | None = None) -> Person:
        """Somebody with a given token, at this or another gateway."""
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        web = httpx2.Client(base_url=url or self._url, headers=headers, trust_env=False, timeout=20)
        self._clients.append(web)
        return Person(name, web, self.stack)

    def close(self) -> None:
        """Close every client."""
        for web in self._clients:
            web.close()


@contextmanager
def people_of(stack: Stack, url: str | None = None) -> Iterator[People]:
    """Provide people as long as the block lasts."""
    made = People(stack, url)
    try:
        yield made
    finally:
        made.close()


def events(stack: Stack) -> list[dict[str, Any]]:
    """Return everything that was recorded so far."""
    with redis.Redis.from_url(stack.valkey.url, decode_responses=True, socket_timeout=5) as connection:
        entries: Any = connection.xrange("{vendor}:audit")
        return [json.loads(fields["event"]) for _, fields in entries]
