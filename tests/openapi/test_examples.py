"""The examples of the document, sent to a running gateway as they stand there."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from tests.support.contract import described, held, operation_of
from tests.support.gateways import Api, api
from vendor.dev.stack import Stack
from vendor.doors.operation import Operation
from vendor.doors.table import OPERATIONS

FIRST = ("putUser", "putSteward", "createShares", "createLease")
LAST = ("deleteSteward", "deleteUser", "endLeases")
"""What the other examples rest on, and what takes it away again."""


def with_examples() -> list[Operation]:
    chosen = [one for one in OPERATIONS if one.example is not None]
    place = {**dict.fromkeys(FIRST, -1), **dict.fromkeys(LAST, 1)}
    return sorted(chosen, key=lambda one: place.get(one.id, 0))


def test_nearly_every_operation_has_one() -> None:
    """The others need a token in their body or the id of something that a link leads to, or take away what the
    development stack is made of."""
    without = {one.id for one in OPERATIONS if one.example is None}

    assert without == {
        "renewLease",
        "getLease",
        "endLease",
        "getShare",
        "deleteShare",
        "restoreState",
        "deleteTenant",
        "deleteMember",
        "getContainerCredentials",
        "sts",
        "exchangeToken",
        "revokeToken",
        "tailAudit",
        "proveAuditEvent",
    }


def test_they_all_work(seaweedfs_stack: Stack) -> None:
    for operation in with_examples():
        assert operation.example is not None
        with api(seaweedfs_stack, operation.example.user) as caller:
            answer = _sent(caller, operation.path, _told(operation))
        assert answer.is_success, (operation.id, answer.text)


def test_links_can_be_followed(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        lease = alice.lease(renewable_for=1800, duration=900)
        token = lease["lease_token"]
        for method, name in (("GET", "getLease"), ("DELETE", "endLease")):
            link = _told_by("POST", "/v1/leases")["responses"]["201"]["links"][name]
            path = f"/v1/leases/{_pointed(lease, link['parameters']['lease'])}"
            assert alice.call(method, path).status_code == 200
        with Api(seaweedfs_stack.gateway.url, token) as holder:
            assert holder.refusal("POST", "/v1/leases/renew") == (410, "lease_ended")
        made = _sent(alice, "/v1/shares", _told_by("POST", "/v1/shares"), "POST").json()
        links = _told_by("POST", "/v1/shares")["responses"]["201"]["links"]
        path = f"/v1/shares/{_pointed(made, links['getShare']['parameters']['share'])}"
        assert alice.call("GET", path).json() == made["shares"][0]
        assert alice.call("DELETE", path).status_code == 204


def test_a_wrong_answer_is_noticed() -> None:
    request = httpx2.Request("GET", "http://gateway/livez")
    held(httpx2.Response(200, json={"status": "alive"}, request=request))
    for status, body in ((200, {"status": "dead"}), (200, {"status": "alive", "more": 1}), (202, {"status": "alive"})):
        with pytest.raises(AssertionError):
            held(httpx2.Response(status, json=body, request=request))


def _told(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = described()["paths"][operation.path][operation.method.lower()]
    return {**found, "method": operation.method}


def _told_by(method: str, path: str) -> dict[str, Any]:
    found = operation_of(method, path)
    assert found is not None
    return {**found[1], "method": method}


def _sent(caller: Api, path: str, told: Mapping[str, Any], method: str | None = None) -> Any:
    """Send the request that the document gives as an example."""
    query = {}
    for parameter in told["parameters"]:
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        elif "example" in parameter:
            query[parameter["name"]] = str(parameter["example"])
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    return caller.call(method or told["method"], path, body, params=query)


def _pointed(value: Any, expression: str) -> str:
    for part in expression.removeprefix("$response.body#/").split("/"):
        value = value[int(part)] if part.isdigit() else value[part]
    return str(json.loads(json.dumps(value)))
