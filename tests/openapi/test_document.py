"""The OpenAPI document: valid, complete, and nothing in it that is not there."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from tests.support.contract import described
from tests.support.gateways import Api, api
from vendor.dev.stack import Stack
from vendor.doors.docs_page import page
from vendor.doors.mms.door import OPERATIONS as OF_MMS
from vendor.doors.mms.operation import Redirect
from vendor.doors.openapi import document
from vendor.doors.operation import NATIVE, Dispatch, Operation, Reply, Token
from vendor.doors.render import JSON
from vendor.doors.sheet import sheet_of
from vendor.doors.table import OPERATIONS, ROUTES
from vendor.errors import VendError

IDS = Path(__file__).parent / "operation_ids.txt"
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> dict[str, dict[str, Any]]:
    """`GET /v1/leases` → what the document says of it."""
    return {
        f"{method.upper()} {path}": one
        for path, item in described()["paths"].items()
        for method, one in item.items()
        if method in METHODS
    }


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(described()).validate()


def test_every_route_is_in_it_and_nothing_else() -> None:
    routed = set()
    for route in ROUTES:
        assert isinstance(route, Route)
        if not isinstance(route.endpoint, Redirect):
            assert isinstance(route.endpoint, Dispatch)
            routed |= {f"{method} {route.path}" for method in route.endpoint.by_method}

    assert routed == set(operations())
    assert len(OPERATIONS) + len(OF_MMS) == len(routed)


def test_operation_ids_stay_as_they_are() -> None:
    """Clients are generated with them: a new operation adds a line here, and no line ever changes."""
    present = [f"{one['operationId']} {name}" for name, one in operations().items()]

    assert sorted(present) == sorted(IDS.read_text().splitlines())
    assert len({one["operationId"] for one in operations().values()}) == len(present)


def test_links_lead_to_operations_and_fill_their_paths() -> None:
    by_id = {one["operationId"]: name for name, one in operations().items()}
    links = [
        link
        for one in operations().values()
        for answer in one["responses"].values()
        for link in answer.get("links", {}).values()
    ]

    assert links
    for link in links:
        assert set(link["parameters"]) == set(re.findall(r"\{(\w+)\}", by_id[link["operationId"]]))


def test_every_operation_is_told_of_in_words() -> None:
    for name, one in operations().items():
        assert len(one["summary"]) > 5, name
        assert one["tags"], name


def test_tokens_and_their_refusals() -> None:
    for name, one in operations().items():
        needs = [scheme for choice in one["security"] for scheme in choice]
        assert set(needs) <= set(described()["components"]["securitySchemes"]), name
        if needs:
            assert "401" in one["responses"], name
            assert "WWW-Authenticate" in one["responses"]["401"]["headers"], name
        if "503" in one["responses"]:
            assert "Retry-After" in one["responses"]["503"]["headers"], name


def test_every_code_in_it_is_one_of_ours() -> None:
    known = {kind.code for kind in _kinds(VendError) if hasattr(kind, "code")}
    known |= {"temporarily_unavailable", "server_error"}  # OAuth's own

    assert _codes() <= known


def _codes() -> set[str]:
    """Every code in a schema of a refusal, whatever the form of its door."""
    refusals = [reply.schema for one in OPERATIONS for status, reply in one.replies().items() if status >= 400]
    return {code for schema in refusals for code in _enumerated(schema)}


def _enumerated(schema: Any) -> list[str]:
    if not isinstance(schema, Mapping):
        return []
    return [*schema.get("enum", ()), *(code for one in schema.values() for code in _enumerated(one))]


def _kinds(kind: type[VendError]) -> set[type[VendError]]:
    return {kind}.union(*(_kinds(one) for one in kind.__subclasses__()))


@pytest.fixture
def nobody(seaweedfs_stack: Stack) -> Iterator[Api]:
    with api(seaweedfs_stack, None) as made:
        yield made


def test_it_is_served(nobody: Api) -> None:
    answer = nobody.call("GET", "/openapi.json")

    assert answer.json() == json.loads(json.dumps(described()))
    assert answer.headers["content-type"] == "application/json"


def test_the_page_is_served_with_all_it_needs_and_without_a_script(nobody: Api) -> None:
    answer = nobody.call("GET", "/docs")
    text = answer.text

    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'; style-src 'self';")
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|javascript:|(?:src|href)=\"(?:https?:)?//", text)
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
    assert nobody.call("GET", f"/{style}").headers["content-type"].startswith("text/css")
    ids = set(re.findall(r'\sid="([^"]+)"', text))
    assert {one["operationId"] for one in operations().values()} <= ids
    assert set(re.findall(r'href="#([^"]+)"', text)) <= ids


def test_other_pages_keep_the_strict_policy(nobody: Api) -> None:
    policies = nobody.call("GET", "/livez").headers.get_list("content-security-policy")

    assert policies == ["default-src 'none'; frame-ancestors 'none'"]


def test_markup_in_texts_stays_text() -> None:
    async def handler(_request: object) -> JSON:
        """Say <script>alert(1)</script> & "more".  And a second sentence."""
        return JSON({})

    made = Operation("odd", "GET", "/odd", handler, {200: Reply(dict[str, str])}, token=Token.NONE, form=NATIVE)
    text = page(document([sheet_of(made)]), "x.css")

    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text
