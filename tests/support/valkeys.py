"""Valkey in company, on loopback: a cluster of three primaries, and a primary with a replica and a sentinel."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from tests.support.waiting import eventually
from vendor.dev.folder import StateFolder, open_folder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.valkey import _binary as valkey_binary

PASSWORD = "of-the-servers"
SENTINEL_PASSWORD = "of-the-sentinel"
SLOTS = 16_384

_COMMON = """\
bind {host}
port {port}
protected-mode yes
daemonize no
dir "{folder}"
save ""
"""
_DATA = """\
requirepass {password}
primaryauth {password}
appendonly yes
appendfsync always
"""
_CLUSTER = """\
cluster-enabled yes
cluster-port {bus}
cluster-node-timeout 2000
cluster-config-file nodes.conf
"""
_SENTINEL = """\
requirepass {sentinel_password}
sentinel monitor state {host} {primary} 1
sentinel auth-pass state {password}
sentinel down-after-milliseconds state 400
sentinel failover-timeout state 3000
"""


@dataclass(frozen=True)
class Node:
    """One server."""

    child: Child
    port: int
    password: str = PASSWORD

    def ask(self, *command: Any) -> Any:
        """Send one command."""
        with redis.Redis(
            LOOPBACK, self.port, password=self.password, socket_timeout=5, decode_responses=True
        ) as server:
            return server.execute_command(*command)


@dataclass(frozen=True)
class Cluster:
    """Three primaries that share all slots."""

    nodes: tuple[Node, ...]

    @property
    def url(self) -> str:
        """Names two of the three; the third has to be found."""
        return f"redis+cluster://:{PASSWORD}@" + ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes[:2])


@dataclass(frozen=True)
class Watched:
    """A primary, its replica, and the sentinel that watches them."""

    primary: Node
    replica: Node
    sentinel: Node

    @property
    def url(self) -> str:
        """The first host named is not there."""
        return (
            f"redis+sentinel://:{PASSWORD}@{LOOPBACK}:1,{LOOPBACK}:{self.sentinel.port}/state"
            f"?sentinel_password={SENTINEL_PASSWORD}"
        )


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a cluster for as long as the block lasts."""
    with _children() as (folder, children):
        nodes = tuple(_start(folder, children, f"node{number}", _CLUSTER + _DATA, ports=2) for number in range(3))
        share = SLOTS // len(nodes) + 1
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", number * share, min((number + 1) * share, SLOTS) - 1)
            bus = nodes[0].child.program.ports[1]
            if number:
                node.ask("CLUSTER", "MEET", LOOPBACK, nodes[0].port, bus)
        eventually(lambda: all(_whole(node, len(nodes)) for node in nodes), within=20, what="the cluster")
        yield Cluster(nodes)


@contextmanager
def running_sentinel() -> Iterator[Watched]:
    """Start a primary, a replica and a sentinel for as long as the block lasts."""
    with _children() as (folder, children):
        primary = _start(folder, children, "primary", _DATA)
        replica = _start(folder, children, "replica", _DATA + f"replicaof {LOOPBACK} {primary.port}\n")
        eventually(lambda: replica.ask("ROLE")[3] == "connected", within=20, what="the replication")
        sentinel = _start(
            folder,
            children,
            "sentinel",
            _SENTINEL,
            options=["--sentinel"],
            password=SENTINEL_PASSWORD,
            primary=primary.port,
        )
        eventually(lambda: sentinel.ask("SENTINEL", "REPLICAS", "state"), within=20, what="the sentinel's sight")
        yield Watched(primary, replica, sentinel)


def _whole(node: Node, size: int) -> bool:
    info = str(node.ask("CLUSTER", "INFO"))
    return "cluster_state:ok" in info and f"cluster_known_nodes:{size}" in info


@contextmanager
def _children() -> Iterator[tuple[StateFolder, Children]]:
    with open_folder(None) as folder:
        children = Children()
        try:
            yield folder, children
        finally:
            children.stop(kill=True)


def _start(
    folder: StateFolder,
    children: Children,
    name: str,
    text: str,
    *,
    ports: int = 1,
    options: Sequence[str] = (),
    password: str = PASSWORD,
    primary: int = 0,
) -> Node:
    place = folder.sub(name)

    def program(free: Sequence[int]) -> Program:
        values = {"host": LOOPBACK, "port": free[0], "bus": free[-1], "folder": place, "primary": primary}
        secrets = {"password": PASSWORD, "sentinel_password": SENTINEL_PASSWORD}
        write_private(place / "valkey.conf", (_COMMON + text).format(**values, **secrets))
        return Program(
            name=name,
            argv=[valkey_binary(), str(place / "valkey.conf"), *options],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / f"{name}.log",
            ports=free,
        )

    child = children.serve(ports, program, lambda child: _answers(child.program.ports[0], password), within=15)
    return Node(child, child.program.ports[0], password)


def _answers(port: int, password: str) -> bool:
    try:
        with redis.Redis(LOOPBACK, port, password=password, socket_timeout=2) as server:
            return bool(server.ping())
    except redis.RedisError:
        time.sleep(0.02)
        return False
