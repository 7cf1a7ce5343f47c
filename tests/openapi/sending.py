"""The examples of the document as requests to a running gateway."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx2

from tests.support.contract import described
from tests.support.gateways import Api, api
from vendor.dev.stack import Stack
from vendor.doors.operation import Operation, Token
from vendor.doors.table import OPERATIONS

FIRST = ("putUser", "putSteward", "createShares", "createLease")
LAST = ("deleteSteward", "deleteUser", "endLeases")
"""What the other examples rest on, and what takes it away again."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def with_examples() -> list[Operation]:
    """Every operation that has one, in an order in which they work."""
    chosen = [one for one in OPERATIONS if one.example is not None]
    place = {**dict.fromkeys(FIRST, -1), **dict.fromkeys(LAST, 1)}
    return sorted(chosen, key=lambda one: place.get(one.id, 0))


def told(operation: Operation) -> dict[str, Any]:
    """What the document says of an operation."""
    found: dict[str, Any] = described()["paths"][operation.path][operation.method.lower()]
    return {**found, "method": operation.method}


def tried(stack: Stack, operation: Operation) -> httpx2.Response:
    """Send the example of an operation, as it stands in the document."""
    assert operation.example is not None
    with api(stack, operation.example.user) as caller:
        tokens = {"$TOKEN": stack.tokens[operation.example.user]}
        if operation.token is Token.LEASE or "$LEASE_TOKEN" in str(operation.example.body):
            tokens["$LEASE_TOKEN"] = caller.lease(renewable_for=3600)["lease_token"]
        bearer = tokens["$LEASE_TOKEN"] if operation.token is Token.LEASE else tokens["$TOKEN"]
        headers = {} if operation.token is Token.NONE else {"authorization": f"Bearer {bearer}"}
        with Api(stack.gateway.url, None) as sender:
            return sent(sender, operation.path, told(operation), headers=headers, tokens=tokens)


def sent(
    caller: Api,
    path: str,
    told: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    tokens: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """Send the request that the document gives as an example, with tokens in their places."""
    query = {}
    for parameter in told["parameters"]:
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        elif "example" in parameter:
            query[parameter["name"]] = str(parameter["example"])
    more: dict[str, Any] = {"params": query, "headers": dict(headers or {})}
    for media, content in told.get("requestBody", {}).get("content", {}).items():
        if media == FORM:
            form = {name: (tokens or {}).get(str(value), value) for name, value in content["example"].items()}
            more["content"] = urlencode(form, doseq=True)
            more["headers"]["content-type"] = FORM
        elif "example" in content:
            assert media == JSON
            more["json"] = content["example"]
    return caller.call(told["method"], path, **more)
