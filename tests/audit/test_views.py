"""Views of the log: pure mappings with golden files, and what somebody who is no administrator sees.

After a change that is meant: VENDOR_WRITE_GOLDEN=1 pytest tests/audit/test_views.py
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vendor.audit.event import Kind
from vendor.audit.flex import flex
from vendor.audit.ocsf import ocsf
from vendor.audit.view import seen_by

GOLDEN = Path(__file__).parent / "golden"
COMMON: dict[str, Any] = {
    "cursor": "1763704800123-0",
    "schema": 1,
    "event_id": "e_0193b8a0c1d27f00a1b2c3d4e5f60718",
    "time": "2026-11-21T06:00:00Z",
    "ms": 12.4,
    "decision": "allowed",
    "request_id": "r_0123456789ab",
    "door": "api",
    "client": {"address": "192.0.2.7", "user_agent": "curl/8 \r\n<script>=cmd()"},
    "actor": {"name": "alice", "issuer": "https://idp.example.org", "subject": "248289761001", "admin": False},
}
ASKED = {"scope": None, "duration": 900, "renewable_for": None, "partial": False}
EVENTS: dict[str, dict[str, Any]] = {
    "vend.issued": {
        "store": "default",
        "asked": ASKED,
        "lease": "l_abcdefghijklmnopqrst",
        "access_key_id": "AKIDEXAMPLE",
        "granted": [{"path": "s3://cdm-lake/x/", "access": "read", "source": "tenant:kbase"}],
        "audit_context": {"reason": "run 12"},
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    },
    "vend.denied": {"decision": "denied", "reason": "scope_not_granted", "store": "default", "asked": ASKED},
    "vend.renewed": {"lease": "l_abcdefghijklmnopqrst", "access_key_id": "AKID2", "store": "default"},
    "break_glass.issued": {"break_glass": True, "audit_context": {"reason": "fire"}, "store": "default"},
    "lease.revoked": {"lease": "l_abcdefghijklmnopqrst", "holder": "bob", "effective": "now", "how": "ceiling"},
    "identity.rejected": {"decision": "denied", "reason": "invalid_token", "count": 40, "since": COMMON["time"]},
    "identity.observed": {"trusted_by": "corp", "rule": "new", "would_admit": True, "would_refuse_for": None},
    "share.created": {
        "path": "s3://cdm-lake/x/",
        "owner": "user:alice",
        "access": "read",
        "expires_at": None,
        "shares": {"s_1": "user:bob", "s_2": "user:dave"},
        "as_admin": False,
    },
    "tenant.member_set": {"tenant": "kbase", "user": "bob", "access": "read_only", "before": None, "as_admin": False},
    "user.deleted": {"user": "bob", "forced": False, "pieces": 3, "as_admin": True},
    "state.imported": {"decision": "failed", "reason": "state_unavailable", "digest": "x", "counts": {"users": 1}},
}


def example(kind: str) -> dict[str, Any]:
    return {**COMMON, "kind": kind, **EVENTS[kind]}


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("view", [ocsf, flex], ids=["ocsf", "flex"])
def test_the_view_is_the_golden_one(view: Any, kind: str) -> None:
    file = GOLDEN / view.__name__ / f"{kind}.json"
    text = json.dumps(view(example(kind)), indent=1, sort_keys=True) + "\n"
    if "VENDOR_WRITE_GOLDEN" in os.environ:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    assert file.read_text() == text


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_place_and_nothing_is_lost(kind: Kind) -> None:
    event = {**COMMON, "kind": str(kind), "something": {"deep": [1]}}
    seen = ocsf(event)

    assert seen["type_uid"] == seen["class_uid"] * 100 + seen["activity_id"]
    assert seen["category_uid"] == seen["class_uid"] // 1000
    assert seen["time"] == 1_795_240_800_000
    assert (seen["metadata"]["version"], seen["metadata"]["uid"]) == ("1.6.0", COMMON["event_id"])
    assert seen["unmapped"]["something"] == {"deep": [1]}
    assert {"id", "type", "subject"} <= set(flex(event))
    assert flex(event)["metadata"]["something"] == {"deep": [1]}


def test_one_s_own_doings_are_seen_whole() -> None:
    assert seen_by(example("share.created"), "alice") == example("share.created")


def test_of_others_doings_only_what_concerns_one() -> None:
    seen = seen_by(example("share.created"), "bob")

    assert seen["shares"] == {"s_1": "user:bob"}
    assert seen["actor"] == {"name": "alice"}
    assert "client" not in seen
    assert seen["path"] == "s3://cdm-lake/x/"
    revoked = {**example("lease.revoked"), "actor": {**COMMON["actor"], "name": "carol", "admin": True}}
    assert "192.0.2.7" not in json.dumps(seen_by(revoked, "bob"))
