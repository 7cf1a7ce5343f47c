"""Join a store's own access log with the audit log: who was behind each access, with which lease, and for what reason.

A pure function over lines.  MinIO's audit log and SeaweedFS's (one JSON object a line each) are read, and whatever else
names an access key id; SeaweedFS names sessions, in which the gateway writes the lease.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LEASE: Final = re.compile(r"l_[a-z2-7]{20}", re.ASCII)
_KEY_MEMBERS: Final = ("accessKey", "access_key", "accessKeyId", "access_key_id", "requester")

COLUMNS: Final = ("time", "user", "lease", "reason", "action", "path", "status", "address", "access_key")


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose a lease was, and what they said that it was for."""

    id: str
    user: str
    reason: str


@dataclass(frozen=True, slots=True)
class Access:
    """One access to the store.  Without a lease it was made with keys that are not of this gateway."""

    time: str
    action: str
    path: str
    status: str
    address: str
    key: str
    lease: Lease | None

    def answer(self) -> dict[str, str]:
        """As a row of a table."""
        lease = self.lease
        return {
            "time": self.time,
            "user": lease.user if lease else "",
            "lease": lease.id if lease else "",
            "reason": lease.reason if lease else "",
            "action": self.action,
            "path": self.path,
            "status": self.status,
            "address": self.address,
            "access_key": self.key,
        }


class Leases:
    """The leases of an audit log, by access key and by id."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self._by_key: dict[str, Lease] = {}
        self._by_id: dict[str, Lease] = {}
        for event in events:
            key, lease = event.get("access_key_id"), event.get("lease")
            if isinstance(key, str) and isinstance(lease, str) and event.get("decision") == "allowed":
                found = self._by_id.setdefault(lease, _lease(event, lease))
                self._by_key[key] = found

    def find(self, entry: Mapping[str, Any]) -> tuple[str, Lease | None]:
        """Return the access key that an entry of a store's log names, and the lease behind it."""
        told = [str(entry[member]) for member in _KEY_MEMBERS if entry.get(member)]
        for text in told:
            if text in self._by_key:
                return text, self._by_key[text]
        for text in told:
            named = _LEASE.search(text)
            if named is not None and named[0] in self._by_id:
                return text, self._by_id[named[0]]
        return (told[0] if told else ""), None


def exported_events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events of an export, of a sink's file, or of what `/v1/audit` answered."""
    for line in lines:
        record = _object(line)
        event = record.get("event", record)
        if isinstance(event, dict):
            yield event


def joined(log: Iterable[bytes], leases: Leases) -> Iterator[Access]:
    """Yield every access in a store's log.  Lines that are no JSON objects are passed over."""
    for line in log:
        entry = _object(line)
        if not entry:
            continue
        key, lease = leases.find(entry)
        api = entry.get("api")
        yield _of_minio(entry, api, key, lease) if isinstance(api, dict) else _of_others(entry, key, lease)


def _of_minio(entry: Mapping[str, Any], api: Mapping[str, Any], key: str, lease: Lease | None) -> Access:
    return Access(
        time=str(entry.get("time", "")),
        action=str(api.get("name", "")),
        path=f"s3://{api.get('bucket', '')}/{api.get('object', '')}",
        status=str(api.get("statusCode", "")),
        address=str(entry.get("remotehost", "")),
        key=key,
        lease=lease,
    )


def _of_others(entry: Mapping[str, Any], key: str, lease: Lease | None) -> Access:
    return Access(
        time=str(entry.get("time", "")),
        action=str(entry.get("operation", entry.get("action", ""))),
        path=f"s3://{entry.get('bucket', '')}/{str(entry.get('key', '')).lstrip('/')}",
        status=str(entry.get("http_status", entry.get("status", ""))),
        address=str(entry.get("remote_ip", "")),
        key=key,
        lease=lease,
    )


def _lease(event: Mapping[str, Any], lease: str) -> Lease:
    context = event.get("audit_context")
    said = context if isinstance(context, dict) else {}
    reason = said.get("reason") or said.get("job") or ""
    return Lease(lease, str((event.get("actor") or {}).get("name", "")), str(reason))


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
