"""Real sign-ins at real providers end in a lease: code with PKCE, device flow, and a pod's projected token."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.identity.world.browser import code_with_pkce, device_flow
from tests.identity.world.cluster import Cluster, cluster
from tests.identity.world.node_provider import RESOURCE, NodeProvider, node_provider
from vendor.dev.gateway import Gateway
from vendor.dev.idp import CLIENT_ID
from vendor.dev.stack import Stack
from vendor.dev.web import client
from vendor.times import parse_rfc3339

NODE = """
[[issuer]]
name = "node"
url = "{url}"
audiences = ["vend", "vendor"]
algorithms = ["RS256"]
tokens = ["id", "access"]
clients = ["vend"]
user = "sub"
joins = "dev"

[[issuer.rule]]
name = "people"
"""
PODS = """
[[issuer.rule]]
name = "ingest"
when = [{ claim = "sub", equals = "system:serviceaccount:ingest:nightly" }]
kind = "workload"
as = "nightly-ingest"
tenant = "kbase"
access = "read_write"
scope = [{ path = "s3://cdm-lake/tenant-general-warehouse/kbase/", access = "read" }]
max_lease_seconds = 1200

[[issuer.rule]]
name = "spark"
when = [{ claim = ["kubernetes.io", "namespace"], equals = "spark" }]
kind = "workload"
name_pattern = 'system:serviceaccount:([a-z0-9-]+):([a-z0-9-]+)'
"""


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(seaweedfs_stack: Stack, pods: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A second gateway on the stack, which also trusts the cluster."""
    with trusting(seaweedfs_stack, "pods", pods.entry(PODS), tmp_path_factory.mktemp("trust")) as added:
        yield added


@contextmanager
def trusting(stack: Stack, name: str, entry: str, folder: Path) -> Iterator[Gateway]:
    """A gateway on the stack that trusts one more entry."""
    file = folder / "trust.toml"
    file.write_text((stack.folder.path / "trust.toml").read_text() + entry)
    added = stack.add_gateway(f"identity-{name}", VENDOR_TRUST_FILE=str(file))
    try:
        yield added
    finally:
        added.child.stop()


def lease(gateway: str, token: str, **ask: Any) -> httpx2.Response:
    with client(gateway, token=token) as web:
        return web.post("/v1/leases", json=ask)


def leased_to(gateway: str, token: str, **ask: Any) -> dict[str, Any]:
    answer = lease(gateway, token, **ask)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["lease"]
    assert answer.json()["credentials"]["session_token"]
    return found


def test_code_with_pkce_at_nanoidp_ends_in_a_lease(seaweedfs_stack: Stack) -> None:
    idp = seaweedfs_stack.idp
    knows = {"username": "alice", "password": idp.password("alice")}
    tokens = code_with_pkce(idp.issuer, CLIENT_ID, knows).raise_for_status().json()

    found = leased_to(seaweedfs_stack.gateway.url, tokens["access_token"])
    assert found["principal"] == "alice"
    refused = lease(seaweedfs_stack.gateway.url, tokens["refresh_token"]) if "refresh_token" in tokens else None
    assert refused is None or (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_token")


def test_a_stolen_code_is_worth_nothing_without_its_verifier(seaweedfs_stack: Stack) -> None:
    idp = seaweedfs_stack.idp
    knows = {"username": "alice", "password": idp.password("alice")}
    answer = code_with_pkce(idp.issuer, CLIENT_ID, knows, verifier="A" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_device_flow_at_nanoidp_ends_in_a_lease(seaweedfs_stack: Stack) -> None:
    idp = seaweedfs_stack.idp
    knows = {"username": "bob", "password": idp.password("bob")}
    tokens = device_flow(idp.issuer, CLIENT_ID, knows)

    assert leased_to(seaweedfs_stack.gateway.url, tokens["access_token"])["principal"] == "bob"


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProvider]:
    with node_provider() as running:
        yield running


@pytest.fixture(scope="module")
def node_gateway(
    seaweedfs_stack: Stack, node: NodeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    entry = NODE.format(url=node.issuer)
    with trusting(seaweedfs_stack, "node", entry, tmp_path_factory.mktemp("trust")) as added:
        yield added


def test_code_with_pkce_at_the_certified_provider_ends_in_a_lease(node: NodeProvider, node_gateway: Gateway) -> None:
    tokens = (
        code_with_pkce(node.issuer, node.client_id, node.knows("alice"), resource=RESOURCE).raise_for_status().json()
    )

    assert header(tokens["access_token"])["typ"] == "at+jwt"
    for name in ("id_token", "access_token"):
        assert leased_to(node_gateway.url, tokens[name])["principal"] == "alice", name


def test_device_flow_at_the_certified_provider_ends_in_a_lease(node: NodeProvider, node_gateway: Gateway) -> None:
    tokens = device_flow(node.issuer, node.client_id, node.knows("bob"), resource=RESOURCE)

    assert leased_to(node_gateway.url, tokens["access_token"])["principal"] == "bob"


def test_a_pods_token_ends_in_a_lease_of_its_tenant(pods: Cluster, gateway: Gateway) -> None:
    found = leased_to(gateway.url, pods.token("ingest", "nightly"))

    assert found["principal"] == "nightly-ingest"
    assert [(entry["path"], entry["access"]) for entry in found["scope"]] == [
        ("s3://cdm-lake/tenant-general-warehouse/kbase/", "read")
    ]
    too_much = {"path": "s3://cdm-lake/tenant-general-warehouse/kbase/", "access": "write"}
    assert lease(gateway.url, pods.token("ingest", "nightly"), scope=[too_much]).status_code == 403
    longest = leased_to(gateway.url, pods.token("ingest", "nightly"), duration=3600)
    assert parse_rfc3339(longest["expires_at"]) - parse_rfc3339(longest["issued_at"]) <= 1200


def test_a_pod_without_memberships_has_nothing(pods: Cluster, gateway: Gateway) -> None:
    with client(gateway.url, token=pods.token("spark", "etl")) as web:
        me = web.get("/v1/whoami").raise_for_status().json()
    assert (me["principal"], me["kind"], me["admin"]) == ("k8s-spark.etl", "workload", False)
    answer = lease(gateway.url, pods.token("spark", "etl"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "nothing_granted")


@pytest.mark.parametrize(
    ("namespace", "account", "audience", "status"),
    [
        ("ingest", "other", None, 403),
        ("default", "nightly", None, 403),
        ("ingest", "nightly", "https://kubernetes.default.svc.cluster.local", 401),
    ],
)
def test_other_pods_stay_out(
    pods: Cluster, gateway: Gateway, namespace: str, account: str, audience: str | None, status: int
) -> None:
    assert lease(gateway.url, pods.token(namespace, account, audience=audience)).status_code == status


def header(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
