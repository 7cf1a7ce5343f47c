"""What anyone may read, and what the gateway says while parts of it are away."""

import httpx2
import jwt

from tests.support.gateways import api
from vendor.dev.stack import Stack


def get(url: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=20) as web:
        return web.get(url)


def test_the_own_issuer_is_published(seaweedfs_stack: Stack) -> None:
    gateway = seaweedfs_stack.gateway.url
    discovery = get(f"{gateway}/.well-known/openid-configuration").json()

    assert discovery["issuer"] == gateway
    keys = jwt.PyJWKSet.from_dict(get(discovery["jwks_uri"]).json()).keys
    assert keys
    assert {key.algorithm_name for key in keys} == {"ES256"}


def test_how_to_sign_in(seaweedfs_stack: Stack) -> None:
    hints = get(f"{seaweedfs_stack.gateway.url}/v1/sign-in").json()

    assert hints["kbase"] is True
    assert [issuer["issuer"] for issuer in hints["issuers"]] == [seaweedfs_stack.idp.issuer]


def test_unknown_paths_and_methods(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, None) as nobody:
        assert nobody.refusal("GET", "/nowhere") == (404, "invalid_request")
        assert nobody.refusal("DELETE", "/v1/whoami") == (405, "invalid_request")
        assert nobody.call("DELETE", "/v1/whoami").headers["allow"]


def test_no_page_of_another_origin_may_ask(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        answer = alice.call("OPTIONS", "/v1/leases", headers={"origin": "https://evil.example.org"})

    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
