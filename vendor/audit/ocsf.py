"""The log as OCSF 1.6 events, for whoever collects those: a pure mapping, nothing is lost.

Keys that are given, renewed or refused are API Activity, changes of who may do what are User Access Management, those
of users Account Change, and requests that nobody could be found behind Authentication.  What OCSF has no place for is
under `unmapped`.
"""

from collections.abc import Mapping
from typing import Any, Final

from vendor.audit.event import Kind
from vendor.times import parse_rfc3339

VERSION: Final = "1.6.0"
_API, _AUTHENTICATION, _ACCOUNT, _ACCESS = 6003, 3002, 3001, 3005
_NAMES: Final = {
    _API: "API Activity",
    _AUTHENTICATION: "Authentication",
    _ACCOUNT: "Account Change",
    _ACCESS: "User Access Management",
}
_CATEGORIES: Final = {3: "Identity & Access Management", 6: "Application Activity"}
_OTHER: Final = (99, "Other")
_CREATE, _READ, _UPDATE, _DELETE = (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")
_ASSIGN, _REVOKE = (1, "Assign Privileges"), (2, "Revoke Privileges")
_CLASSES: Final[Mapping[str, tuple[int, tuple[int, str]]]] = {
    Kind.VEND_ATTEMPT: (_API, _CREATE),
    Kind.VEND_ISSUED: (_API, _CREATE),
    Kind.VEND_RENEWED: (_API, _UPDATE),
    Kind.VEND_REUSED: (_API, _READ),
    Kind.VEND_DENIED: (_API, _CREATE),
    Kind.BREAK_GLASS_ISSUED: (_API, _CREATE),
    Kind.BREAK_GLASS_DENIED: (_API, _CREATE),
    Kind.LEASE_REVOKED: (_API, _DELETE),
    Kind.IDENTITY_REJECTED: (_AUTHENTICATION, (1, "Logon")),
    Kind.RULE_OBSERVED: (_AUTHENTICATION, _OTHER),
    Kind.USER_CREATED: (_ACCOUNT, (1, "Create")),
    Kind.USER_CHANGED: (_ACCOUNT, _OTHER),
    Kind.USER_DELETED: (_ACCOUNT, (6, "Delete")),
    Kind.KEYS_ROTATED: (_ACCOUNT, _OTHER),
    Kind.MEMBER_SET: (_ACCESS, _ASSIGN),
    Kind.MEMBER_REMOVED: (_ACCESS, _REVOKE),
    Kind.STEWARD_ADDED: (_ACCESS, _ASSIGN),
    Kind.STEWARD_REMOVED: (_ACCESS, _REVOKE),
    Kind.SHARE_CREATED: (_ACCESS, _ASSIGN),
    Kind.SHARE_REMOVED: (_ACCESS, _REVOKE),
    Kind.TENANT_CREATED: (_API, _CREATE),
    Kind.TENANT_CHANGED: (_API, _UPDATE),
    Kind.TENANT_DELETED: (_API, _DELETE),
    Kind.STATE_EXPORTED: (_API, _READ),
    Kind.STATE_IMPORTED: (_API, _UPDATE),
    Kind.AUDIT_EXPORTED: (_API, _READ),
    Kind.AUDIT_REVIEWED: (_API, _READ),
    Kind.AUDIT_TRIMMED: (_API, _DELETE),
    Kind.PURGE_BEGUN: (_API, _DELETE),
    Kind.PURGED: (_API, _DELETE),
}
_MAPPED: Final = frozenset(
    {"event_id", "time", "kind", "decision", "reason", "request_id", "client", "actor", "ms", "cursor"}
)


def ocsf(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event, with its `cursor`, as OCSF has it."""
    kind = str(event.get("kind", ""))
    class_uid, (activity, name) = _CLASSES.get(kind, (_API, _OTHER))
    category = class_uid // 1000
    fine = event.get("decision") == "allowed"
    moment = int(parse_rfc3339(event["time"]) * 1000)
    found: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": category,
        "category_name": _CATEGORIES[category],
        "class_uid": class_uid,
        "class_name": _NAMES[class_uid],
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{_NAMES[class_uid]}: {name}",
        "time": moment,
        "duration": round(event.get("ms", 0)),
        "severity_id": _severity(event, kind),
        "status_id": 1 if fine else 2,
        "status": "Success" if fine else "Failure",
        "metadata": {
            "version": VERSION,
            "product": {"name": "Vendor", "vendor_name": "Vendor"},
            "uid": event["event_id"],
            "event_code": kind,
            "correlation_uid": event.get("request_id", ""),
            "logged_time": int(str(event.get("cursor", f"{moment}-0")).partition("-")[0]),
        },
        "actor": {"user": _user(event)},
        "src_endpoint": _endpoint(event),
        "unmapped": {member: value for member, value in sorted(event.items()) if member not in _MAPPED},
    }
    if "reason" in event:
        found["status_code"] = event["reason"]
    return found | _of_class(class_uid, event, kind)


def _severity(event: Mapping[str, Any], kind: str) -> int:
    """Return 1 (informational) to 4 (high)."""
    if kind.startswith("break_glass.") or event.get("break_glass"):
        return 4
    return {"allowed": 1, "denied": 2}.get(str(event.get("decision")), 3)


def _of_class(class_uid: int, event: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what an event's class asks for beyond what all have."""
    if class_uid == _API:
        request = {"uid": event.get("request_id", "")}
        agent = (event.get("client") or {}).get("user_agent")
        more = {} if agent is None else {"http_request": {"user_agent": agent}}
        return {"api": {"operation": kind, "request": request, "service": {"name": "vendor"}}, **more}
    if class_uid == _ACCESS:
        told = [event.get("access"), *([] if "tenant" not in event else [f"tenant:{event['tenant']}"])]
        privileges = [str(one) for one in told if one] or [kind]
        return {"user": {"name": str(event.get("user") or event.get("target") or "")}, "privileges": privileges}
    return {"user": {"name": str(event.get("user", "")) or _user(event)["name"]}}


def _user(event: Mapping[str, Any]) -> dict[str, Any]:
    actor = event.get("actor") or {}
    found: dict[str, Any] = {"name": actor.get("name", "")}
    if actor.get("subject"):
        found["uid"] = actor["subject"]
    if actor.get("issuer"):
        found["domain"] = actor["issuer"]
    if "admin" in actor:
        found["type_id"] = 2 if actor["admin"] else 1
    return found


def _endpoint(event: Mapping[str, Any]) -> dict[str, Any]:
    address = (event.get("client") or {}).get("address")
    return {"ip": address} if address else {"name": str(event.get("door", ""))}
