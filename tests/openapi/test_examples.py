"""The examples of the document, sent to a running gateway as they stand there, and the answers that it shows."""

import json
from typing import Any

import httpx2
import pytest

from tests.openapi.answers import BLANK, LEFT_OUT, blanked
from tests.openapi.sending import JSON, sent, told, tried, with_examples
from tests.support.contract import described, held, operation_of
from tests.support.gateways import Api, api
from vendor.dev.stack import Stack
from vendor.doors.answers import answer_of
from vendor.doors.operation import Operation
from vendor.doors.table import OPERATIONS


def test_nearly_every_operation_has_one() -> None:
    """The others need the id of something that a link leads to, take away what the development stack is made of, or
    have no end."""
    without = {one.id for one in OPERATIONS if one.example is None}

    assert without == {
        "getLease",
        "endLease",
        "getShare",
        "deleteShare",
        "restoreState",
        "deleteTenant",
        "deleteMember",
        "tailAudit",
        "proveAuditEvent",
    }


def test_they_all_work_and_answer_as_shown(seaweedfs_stack: Stack) -> None:
    for operation in with_examples():
        answer = tried(seaweedfs_stack, operation)
        assert answer.is_success, (operation.id, answer.text)
        shown = answer_of(operation.id)
        if shown is None:
            assert not answer.content or operation.id in LEFT_OUT, f"{operation.id}: python -m tests.openapi.answers"
            continue
        assert shown.status == answer.status_code, operation.id
        if isinstance(shown.body, dict):
            assert set(shown.body) == set(answer.json()), f"{operation.id}: python -m tests.openapi.answers"


def test_answers_are_shown_for_examples_only() -> None:
    shown = {one["operationId"] for one in _described() if _examples(one)}
    assert shown <= {one.id for one in with_examples()}
    assert len(shown) >= 35


@pytest.mark.parametrize("operation", with_examples(), ids=lambda one: one.id)
def test_an_answer_is_as_the_document_says_and_holds_no_key(operation: Operation) -> None:
    shown = answer_of(operation.id)
    if shown is None or isinstance(shown.body, str):
        return
    assert shown.body == blanked(shown.body)
    said = told(operation)["responses"][str(shown.status)]
    assert said["content"][JSON]["example"] == shown.body
    path = operation.path.replace("{", "").replace("}", "")
    request = httpx2.Request(operation.method, f"https://vendor.example.org{path}")
    headers = dict.fromkeys(said["headers"], "-")
    held(httpx2.Response(shown.status, json=shown.body, headers=headers, request=request))


def test_no_text_that_is_shown_holds_a_key() -> None:
    xml = answer_of("sts")
    assert xml is not None
    for name in ("SecretAccessKey", "SessionToken"):
        assert f"<{name}>{BLANK[name]}</{name}>" in xml.body
    whole = json.dumps(described())
    assert "eyJ" not in whole
    assert "127.0.0.1:" not in whole


def _described() -> list[dict[str, Any]]:
    return [one for item in described()["paths"].values() for one in item.values()]


def _examples(operation: dict[str, Any]) -> list[Any]:
    contents = [content for answer in operation["responses"].values() for content in answer.get("content", {}).values()]
    return [content["example"] for content in contents if "example" in content]


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
        made = sent(alice, "/v1/shares", _told_by("POST", "/v1/shares")).json()
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


def _told_by(method: str, path: str) -> dict[str, Any]:
    found = operation_of(method, path)
    assert found is not None
    return {**found[1], "method": method}


def _pointed(value: Any, expression: str) -> str:
    for part in expression.removeprefix("$response.body#/").split("/"):
        value = value[int(part)] if part.isdigit() else value[part]
    return str(json.loads(json.dumps(value)))
