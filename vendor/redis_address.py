"""Where the gateway's Redis is: one server, one that sentinels tell of, or a cluster.

    redis://[user:password@]host[:port][/db]                          rediss:// for TLS
    unix://[user:password@]/path/to/socket[?db=0]
    redis+sentinel://[user:password@]host[:port],.../service[/db]     rediss+sentinel:// for TLS
    redis+cluster://[user:password@]host[:port],...                   rediss+cluster:// for TLS

User and password are percent-encoded.  Query parameters: `sentinel_username` and `sentinel_password` for the sentinels
themselves, and with TLS the files `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile`.  Errors never quote the URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from vendor.secret import Secret

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
MAX_CONNECTIONS: Final = 64

_URL: Final = re.compile(
    r"(?:(?P<scheme>rediss?)(?P<kind>\+sentinel|\+cluster)?|(?P<unix>unix))://"
    r"(?:(?P<user>[^:@/?#]*):(?P<password>[^@/?#]*)@)?(?P<hosts>[^@/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?"
)
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
_SERVICE: Final = re.compile(r"/(?P<service>[A-Za-z0-9._-]+)(?:/(?P<db>\d{1,4}))?")
_DB: Final = re.compile(r"/?(?P<db>\d{0,4})")
_TLS: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_PORTS: Final = {"": 6379, "+cluster": 6379, "+sentinel": 26_379}

Client = Redis | RedisCluster


class Kind(StrEnum):
    """What stands at the address."""

    SINGLE = ""
    SENTINEL = "+sentinel"
    CLUSTER = "+cluster"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL.  `login` and `sentinel_login` hold passwords."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    socket: str | None = None
    service: str = ""
    db: int = 0
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    sentinel_login: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Mapping[str, Any] = field(default_factory=dict)

    def client(self) -> Client:
        """Return a client, which connects when it is first used and never sends anything twice by itself."""
        shared: dict[str, Any] = {
            "decode_responses": True,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": None,  # who calls limits the whole time; this one would cost a task for every command
            "retry": Retry(NoBackoff(), 0),
            # With protocol 3 redis-py takes maintenance notices, and then no longer looks whether a pooled connection
            # was closed: after a restart of Redis, each of them would cost somebody a failed request.
            "protocol": 2,
            **self.tls,
        }
        own = {**shared, **self.login, "client_name": "vendor", "max_connections": MAX_CONNECTIONS}
        if self.kind is Kind.CLUSTER:
            own["socket_timeout"] = ANSWER_SECONDS  # it takes this one to notice that a node is gone
            return RedisCluster(startup_nodes=[ClusterNode(*host) for host in self.hosts], **own)
        if self.kind is Kind.SENTINEL:
            sentinels: Any = Sentinel  # declares no types
            asking = sentinels(self.hosts, sentinel_kwargs={**shared, **self.sentinel_login})
            return cast("Redis", asking.master_for(self.service, db=self.db, **own))
        if self.socket is not None:
            return Redis(unix_socket_path=self.socket, db=self.db, **own)
        ((host, port),) = self.hosts
        return Redis(host=host, port=port, db=self.db, **own)


def parse_address(url: Secret) -> Address:
    """Parse a URL.  Raises ValueError, which says what is wrong and quotes nothing."""
    found = _URL.fullmatch(url.reveal())
    if found is None:
        raise ValueError(
            "is not a redis://, rediss:// or unix:// URL, nor one of redis+sentinel:// or redis+cluster:// "
            "(user and password are percent-encoded)"
        )
    login = {"username": unquote(found["user"] or ""), "password": unquote(found["password"] or "")}
    login = {name: value for name, value in login.items() if value}
    query = _query(found["query"] or "")
    path = found["path"] or ""
    if found["unix"]:
        return _socket(found["hosts"], path, login, query)
    kind = Kind(found["kind"] or "")
    sentinel_login = {
        name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query
    }
    if sentinel_login and kind is not Kind.SENTINEL:
        raise ValueError("sentinel_username and sentinel_password are for redis+sentinel:// only")
    tls: dict[str, Any] = {}
    if found["scheme"] == "rediss":
        tls = {"ssl": True, **{name: query.pop(name) for name in _TLS & query.keys()}}
    _refuse(query)
    service, db = _place(kind, path)
    hosts = _hosts(found["hosts"], _PORTS[kind])
    if kind is Kind.SINGLE and len(hosts) != 1:
        raise ValueError("names more than one server; say redis+sentinel:// or redis+cluster://")
    return Address(kind, hosts, None, service, db, login, sentinel_login, tls)


def _socket(hosts: str, path: str, login: dict[str, str], query: dict[str, str]) -> Address:
    db = query.pop("db", "0")
    _refuse(query)
    if hosts or path in {"", "/"} or not db.isascii() or not db.isdigit():
        raise ValueError("names no socket; write unix:///path/to/socket?db=0")
    return Address(Kind.SINGLE, (), unquote(path), "", int(db), login)


def _place(kind: Kind, path: str) -> tuple[str, int]:
    if kind is Kind.SENTINEL:
        found = _SERVICE.fullmatch(path)
        if found is None:
            raise ValueError("names no service; write redis+sentinel://host,host/service")
        return found["service"], int(found["db"] or 0)
    number = _DB.fullmatch(path)
    if number is None:
        raise ValueError("does not end in the number of a database")
    db = int(number["db"] or 0)
    if kind is Kind.CLUSTER and db:
        raise ValueError("names a database; a cluster has only the database 0")
    return "", db


def _hosts(text: str, usual_port: int) -> tuple[tuple[str, int], ...]:
    hosts = []
    for part in text.split(","):
        found = _HOST.fullmatch(part)
        port = int((found and found["port"]) or usual_port)
        if found is None or not 1 <= port <= 65_535:
            raise ValueError("does not name a server as host or host:port")
        hosts.append((found["name"].strip("[]"), port))
    return tuple(hosts)


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(dict(pairs)) != len(pairs):
        raise ValueError("has a parameter twice")
    return dict(pairs)


def _refuse(query: Mapping[str, str]) -> None:
    if query:
        raise ValueError("has a parameter that is not known here, or that does not go with its scheme")
