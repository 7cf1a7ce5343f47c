"""The state that follows from the audit events alone, from the first one on."""

from collections.abc import Iterable, Mapping
from typing import Any

Lines = list[dict[str, Any]]


class Replay:
    """Takes events in order.  `files` are the states that were imported, by their digest."""

    def __init__(self, files: Mapping[str, Lines] | None = None) -> None:
        self.files = files or {}
        self.records: dict[tuple[str, ...], dict[str, Any]] = {}

    def take(self, events: Iterable[Mapping[str, Any]]) -> "Replay":
        """Apply events."""
        for event in events:
            handle = getattr(self, "_" + str(event["kind"]).replace(".", "_"), None)
            if handle is not None:
                handle(event, event["actor"]["name"], event["time"])
        return self

    def lines(self) -> Lines:
        """The records of the state, in no particular order."""
        return list(self.records.values())

    def _user_created(self, event: Mapping[str, Any], _by: str, at: str) -> None:
        said = {name: event[name] for name in ("display_name", "email")}
        assert ("user", event["user"]) not in self.records
        line = {"type": "user", "name": event["user"], **said, "disabled": False, "first_seen": at, "keys_since": None}
        self.records["user", event["user"]] = line

    def _user_changed(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        self.records["user", event["user"]].update(event["changed"])

    def _keys_rotated(self, event: Mapping[str, Any], _by: str, at: str) -> None:
        self.records["user", event["user"]]["keys_since"] = at

    def _user_deleted(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        del self.records["user", event["user"]]

    def _tenant_created(self, event: Mapping[str, Any], by: str, at: str) -> None:
        assert ("tenant", event["tenant"]) not in self.records
        when = {"created_at": at, "created_by": by, "updated_at": at, "updated_by": by}
        said = {name: text or None for name, text in event["metadata"].items()}
        self.records["tenant", event["tenant"]] = {"type": "tenant", "name": event["tenant"], **said, **when}

    def _tenant_changed(self, event: Mapping[str, Any], by: str, at: str) -> None:
        said = {name: text or None for name, text in event["metadata"].items()}
        self.records["tenant", event["tenant"]].update(said | {"updated_at": at, "updated_by": by})

    def _tenant_deleted(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        del self.records["tenant", event["tenant"]]

    def _tenant_member_set(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        key = ("member", event["tenant"], event["user"])
        before = self.records.get(key, {}).get("access")
        assert before == event["before"]
        names = {name: event[name] for name in ("tenant", "user", "access")}
        self.records[key] = {"type": "member", **names}

    def _tenant_member_removed(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        assert self.records.pop(("member", event["tenant"], event["user"]))["access"] == event["before"]

    def _tenant_steward_added(self, event: Mapping[str, Any], by: str, at: str) -> None:
        key = ("steward", event["tenant"], event["user"])
        assert key not in self.records
        named = {"assigned_at": at, "assigned_by": by}
        self.records[key] = {"type": "steward", "tenant": event["tenant"], "user": event["user"], **named}

    def _tenant_steward_removed(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        del self.records["steward", event["tenant"], event["user"]]

    def _share_created(self, event: Mapping[str, Any], by: str, at: str) -> None:
        for share, target in event["shares"].items():
            said = {name: event[name] for name in ("path", "owner", "access", "expires_at")}
            made = {"created_by": by, "created_at": at}
            self.records["share", share] = {"type": "share", "with": target, **said, **made}

    def _share_removed(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        del self.records["share", event["share"]]

    def _state_imported(self, event: Mapping[str, Any], _by: str, _at: str) -> None:
        self.records = {}
        for line in self.files[event["digest"]]:
            kind = line["type"]
            if kind in {"user", "tenant"}:
                self.records[kind, line["name"]] = dict(line)
            elif kind in {"member", "steward"}:
                self.records[kind, line["tenant"], line["user"]] = dict(line)
            else:
                self.records["share", share_of(line)] = dict(line)


def share_of(line: Mapping[str, Any]) -> str:
    """The id of a share's line."""
    from vendor.governance.records import Target, TargetKind, share_id
    from vendor.names import parse_s3_path

    kind, _, name = line["with"].partition(":")
    return share_id(parse_s3_path(line["path"]), Target(TargetKind(kind), name))


def canonical(lines: Iterable[Mapping[str, Any]], *without: str) -> list[str]:
    """Lines in an order of their own, to compare; without some members."""
    return sorted(str(sorted((name, value) for name, value in line.items() if name not in without)) for line in lines)
