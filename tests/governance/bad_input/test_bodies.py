"""Bodies that are none, or too much, and requests of nobody: refused on every route that changes something."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.council import Council

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"
JSON = {"content-type": "application/json"}

ROUTES = [
    pytest.param("PUT", "/v1/tenants/kbase", {"display_name": "x"}, id="put-tenant"),
    pytest.param("PATCH", "/v1/tenants/kbase", {"display_name": "x"}, id="patch-tenant"),
    pytest.param("PUT", "/v1/tenants/kbase/members/dave", {"access": "read_only"}, id="put-member"),
    pytest.param("PUT", "/v1/tenants/kbase/stewards/dave", {}, id="put-steward"),
    pytest.param("PUT", "/v1/users/fred", {"display_name": "x"}, id="put-user"),
    pytest.param("PATCH", "/v1/users/dave", {"display_name": "x"}, id="patch-user"),
    pytest.param(
        "POST", "/v1/shares", {"path": HOME + "x", "with": {"users": ["bob"]}, "access": "read"}, id="post-share"
    ),
]
BODIES = [
    pytest.param(lambda body: {**body, "is_admin": True}, id="unknown-member"),
    pytest.param(lambda body: {**body, "revision": 1}, id="member-of-answers"),
    pytest.param(lambda _: [], id="array"),
    pytest.param(lambda _: "text", id="string"),
    pytest.param(lambda _: None, id="null"),
    pytest.param(lambda body: json.dumps({**body, "x": float("nan")}), id="nan"),
    pytest.param(lambda body: json.dumps(body)[:-1] + ("," if body else "") + '"a":1,"a":1}', id="member-twice"),
    pytest.param(lambda body: "\ufeff" + json.dumps(body), id="bom"),
    pytest.param(lambda body: json.dumps(body)[:-1], id="cut-off"),
    pytest.param(lambda body: json.dumps(body) + "{}", id="two-objects"),
    pytest.param(lambda _: b'{"display_name":"\xff"}', id="not-utf-8"),
    pytest.param(lambda _: '{"display_name":"\\ud800"}', id="lone-surrogate"),
    pytest.param(lambda _: '{"display_name":' + "9" * 5000 + "}", id="a-number-of-5000-digits"),
    pytest.param(lambda _: "[" * 10_000, id="nested-10000-deep"),
    pytest.param(lambda body: dict.fromkeys(body or ["display_name"], 7), id="numbers-for-texts"),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
@pytest.mark.parametrize("spoil", BODIES)
def test_bodies(unchanged: Council, method: str, path: str, body: dict[str, Any], spoil: Any) -> None:
    spoiled = spoil(body)
    content = spoiled if isinstance(spoiled, str | bytes) else json.dumps(spoiled)
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal(method, path, content=content, headers=JSON) == (400, "invalid_request")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_forms_of_bodies(unchanged: Council, method: str, path: str, body: dict[str, Any]) -> None:
    carol = unchanged.person("carol", admin=True)
    text = json.dumps(body).encode()

    assert carol.refusal(method, path, content=text) == (415, "unsupported_media_type")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert carol.refusal(method, path, content=b"access=read_only", headers=form) == (415, "unsupported_media_type")
    packed = {**JSON, "content-encoding": "gzip"}
    bomb = gzip.compress(b" " * 10_000_000)
    assert carol.refusal(method, path, content=bomb, headers=packed) == (415, "unsupported_media_type")
    assert carol.refusal(method, path, content=b" " * 300_000, headers=JSON) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 50_000

    assert carol.refusal(method, path, content=chunks(), headers=JSON) == (413, "too_large")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_without_a_token_or_with_somebody_elses(
    unchanged: Council, method: str, path: str, body: dict[str, Any]
) -> None:
    assert unchanged.nobody().refusal(method, path, body) == (401, "missing_token")
    forged = {"authorization": f"Bearer {unchanged.token('carol', admin=True)[:-4]}AAAA"}
    assert unchanged.nobody().refusal(method, path, body, headers=forged) == (401, "invalid_token")
    status, _ = unchanged.person("dave").refusal(method, path, body)
    assert status in {403, 404}
