"""Gateways that govern, with real tokens and a real Valkey of their own; the store behind them is never asked."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import redis

from tests.support.contract import held
from tests.support.issuer import TinyIssuer, tiny_issuer
from tests.support.parts import emptied
from vendor.audit.trail import stream_key
from vendor.dev.folder import StateFolder, open_folder, write_private
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import PortTakenError, Reservation
from vendor.dev.process import Children
from vendor.dev.valkey import Valkey, start_valkey
from vendor.governance.keys import Keys

_TRUST = """\
version = 1

[[issuer]]
name = "tiny"
url = {issuer}
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["plain-access"]
require = [{{ claim = "use", equals = "access" }}]
any_client = true
roles = "roles"
groups = "groups"
admin_roles = ["ADMIN"]

[[issuer.rule]]
name = "readers-of-one-folder"
when = [{{ claim = "groups", contains = "narrow" }}]
scope = [{{ path = "s3a://cdm-lake/users-general-warehouse/alice/narrow/", access = "read" }}]

[[issuer.rule]]
name = "people"
"""


class Person:
    """HTTP calls as one person."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.web = httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=30)

    def call(self, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        """Send a request; `body` becomes JSON.  An answer that the API's document does not tell of is a failure."""
        if body is not None:
            more["json"] = body
        return held(self.web.request(method, path, **more))

    def ok(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Send a request that must succeed; return what it answers, if anything."""
        answer = self.call(method, path, body, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refusal(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        """Send a request that must be refused in the native form; return status and code."""
        answer = self.call(method, path, body, **more)
        assert answer.is_error, f"{method} {path}: {answer.status_code} {answer.text}"
        error = answer.json()["error"]
        assert error["message"]
        assert error["remedy"]
        assert error["request_id"] == answer.headers["x-request-id"]
        return answer.status_code, error["code"]


@dataclass
class Council:
    """Running gateways on one Valkey."""

    folder: StateFolder
    children: Children
    valkey: Valkey
    issuer: TinyIssuer
    settings: dict[str, str]
    gateways: list[Gateway] = field(default_factory=list)
    _people: dict[tuple[str, bool, int], Person] = field(default_factory=dict)

    def token(self, name: str, *, admin: bool = False, **claims: object) -> str:
        """A token that is good for some time."""
        roles = ["ADMIN"] if admin else []
        return self.issuer.sign(
            seconds=3000,
            use="access",
            sub=name,
            jti=uuid.uuid4().hex,
            roles=roles,
            **claims,
        )

    def person(self, name: str, *, admin: bool = False, gateway: int = 0) -> Person:
        """Calls as somebody, at one of the gateways; the same connection every time."""
        key = (name, admin, gateway)
        if key not in self._people:
            self._people[key] = Person(self.gateways[gateway].url, self.token(name, admin=admin))
        return self._people[key]

    def nobody(self) -> Person:
        """Calls without a token."""
        if ("", False, 0) not in self._people:
            self._people["", False, 0] = Person(self.gateways[0].url, None)
        return self._people["", False, 0]

    def empty(self) -> None:
        """Forget everything."""
        emptied(self.valkey)

    def database(self) -> redis.Redis:
        """A connection to the Valkey."""
        return redis.Redis.from_url(self.valkey.url, decode_responses=True, socket_timeout=5)

    def events(self) -> list[dict[str, Any]]:
        """All recorded events in order, each with the revision that it brought about as `_revision`."""
        with self.database() as server:
            entries: Any = server.xrange(stream_key(Keys().root))
        return [{**json.loads(fields["event"]), "_revision": fields.get("revision")} for _, fields in entries]

    def add_gateway(self) -> Gateway:
        """Start one more."""
        for attempt in range(3):
            with Reservation(1) as reserved:
                port = reserved.ports[0]
            try:
                gateway = start_gateway(
                    self.folder,
                    self.children,
                    port=port,
                    settings=self.settings,
                    name=f"gateway{len(self.gateways)}",
                )
            except PortTakenError:
                if attempt == 2:
                    raise
            else:
                self.gateways.append(gateway)
                return gateway
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close all connections."""
        for person in self._people.values():
            person.web.close()


@contextmanager
def running_council(gateways: int = 1, **settings: str) -> Iterator[Council]:
    """Start gateways for as long as the block lasts; `settings` (VENDOR_…) replace or add."""
    with open_folder(None) as folder, tiny_issuer() as issuer:
        children = Children()
        try:
            trust = folder.path / "trust.toml"
            write_private(trust, _TRUST.format(issuer=json.dumps(issuer.url)))
            valkey = start_valkey(folder, children)
            complete = {
                "VENDOR_REDIS_URL": valkey.url,
                "VENDOR_TRUST_FILE": str(trust),
                "VENDOR_STORE_KIND": "seaweedfs",
                "VENDOR_STORE_ENDPOINT": "http://127.0.0.1:1",
                "VENDOR_STORE_ROLE_ARN": "arn:aws:iam::000000000000:role/vendor",
                **settings,
            }
            council = Council(folder, children, valkey, issuer, complete)
            for _ in range(gateways):
                council.add_gateway()
            try:
                yield council
            finally:
                council.close()
        finally:
            children.stop(kill=True)
