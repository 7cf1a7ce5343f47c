"""Loaded by schemathesis: who sends a request, what half of the names and paths are, and how to write lines of JSON.

Whatever is for administrators is mostly sent by carol, the rest mostly by alice; a request in four is the other's.
"""

import itertools
import json
import os
from typing import Any

import httpx2
import schemathesis

URL = os.environ["FUZZ_URL"]
TOKENS: dict[str, str] = json.loads(os.environ["FUZZ_TOKENS"])
OF_LEASES = ("/v1/container-credentials", "/v1/leases/renew")
OF_ADMINISTRATORS = ("/management", "/v1/state", "/v1/users", "/v1/tenants", "/tenants")
KNOWN = {
    "user": "bob",
    "username": "bob",
    "tenant": "hydro",
    "tenant_name": "hydro",
    "group_name": "hydro",
}
PATHS = (
    "s3a://cdm-lake/users-general-warehouse/alice/fuzz/",
    "s3a://cdm-lake/tenant-general-warehouse/kbase/fuzz",
    "s3://cdm-lake/users-sql-warehouse/bob/",
)
_turns = itertools.count(1)
_lease: dict[str, str] = {}


def _lease_token(turn: int) -> str:
    """A lease that is not so old that another request will have ended it."""
    if turn % 5 == 0 or not _lease:
        headers = {"authorization": f"Bearer {TOKENS['alice']}"}
        body = {"renewable_for": 3600}
        answer = httpx2.post(f"{URL}/v1/leases", json=body, headers=headers, trust_env=False, timeout=20)
        _lease["token"] = answer.json()["lease_token"]
    return _lease["token"]


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """One token a request."""

    def get(self, case: Any, _context: Any) -> str:
        """Choose it."""
        turn = next(_turns)
        if case.operation.path in OF_LEASES:
            return _lease_token(turn)
        admin = case.operation.path.startswith(OF_ADMINISTRATORS) != (turn % 4 == 0)
        return TOKENS["carol" if admin else "alice"]

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Send it."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    """Half of the names are those of somebody."""
    if path_parameters and next(_turns) % 2:
        return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}
    return path_parameters


@schemathesis.hook
def map_body(_context: Any, body: Any) -> Any:
    """Half of the paths are somebody's."""
    turn = next(_turns)
    if turn % 2 and isinstance(body, dict) and isinstance(body.get("path"), str):
        return {**body, "path": PATHS[turn % len(PATHS)]}
    return body


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """A body of lines is what was made up, as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
