"""What a MinIO Manager Service would have kept of some users, groups and shares, in its own shapes.

Written after the description of those shapes, and with nothing of the code that reads them: one action a statement,
every path with and without `/*`, shares merged into the statements of the target's own policy.
"""

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUCKET = "cdm-lake"
PARTS = ["data", "exp1", "exp10", "notes.txt", "a b", "ünï"]
GENERAL, SQL = "users-general-warehouse", "users-sql-warehouse"


@dataclass(frozen=True)
class OldShare:
    """A share as its owner made it: the key of a path, with a user or a group, `read` or `write`."""

    path: str
    owner: str
    target: str
    is_group: bool
    level: str


@dataclass
class Old:
    """What there is.  Groups are `g` and `gro`, as MMS has them."""

    users: list[str]
    groups: dict[str, list[str]]
    shares: list[OldShare] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    stewards: list[dict[str, str]] = field(default_factory=list)
    profiles: list[dict[str, str]] = field(default_factory=list)
    policies: dict[str, Any] = field(default_factory=dict)
    """More documents than follow from the rest, or others."""

    def documents(self) -> dict[str, Any]:
        """Every policy that MMS would have in its MinIO."""
        made: dict[str, Any] = {}
        for user in self.users:
            made[f"user-home-policy-{user}"] = self._home(user)
            made[f"user-system-policy-{user}"] = _system(user)
        for group in self.groups:
            base = group.removesuffix("ro") if group.removesuffix("ro") in self.groups else group
            made[f"group-policy-{group}"] = self._group(group, base)
        return made | self.policies

    def write(self, folder: Path) -> Path:
        """Write an exported folder."""
        (folder / "policies").mkdir(parents=True)
        (folder / "groups").mkdir()
        for name, document in self.documents().items():
            (folder / "policies" / f"{name}.json").write_text(json.dumps(document))
        for group, members in self.groups.items():
            answer = {"groupName": group, "groupStatus": "enabled", "groupPolicy": f"group-policy-{group}"}
            (folder / "groups" / f"{group}.json").write_text(json.dumps(answer | {"members": members}))
        lines = [json.dumps({"status": "success", "accessKey": user, "userStatus": "enabled"}) for user in self.users]
        (folder / "users.json").write_text("\n".join(lines) + "\n")
        _csv(folder / "tenant_metadata.csv", self.metadata)
        (folder / "tenant_stewards.json").write_text(json.dumps(self.stewards))
        _csv(folder / "user_profiles.csv", self.profiles)
        return folder

    def _home(self, user: str) -> Any:
        sql, general = f"{SQL}/{user}", f"{GENERAL}/{user}"
        shared = [share for share in self.shares if not share.is_group and share.target == user]
        return _document([f"{sql}/u_{user}__*", sql, f"{sql}/iceberg", general], sql, shared, writable=True)

    def _group(self, group: str, base: str) -> Any:
        sql, general = f"tenant-sql-warehouse/{base}", f"tenant-general-warehouse/{base}"
        shared = [share for share in self.shares if share.is_group and share.target == group]
        own = [f"{sql}/{base}_*", sql, f"{sql}/iceberg", general]
        return _document(own, sql, shared, writable=group == base)


def _document(own: list[str], root: str, shared: Sequence[OldShare], *, writable: bool) -> Any:
    """A home's or a group's document: the SQL root is readable, but written only in its parts."""
    readable = own + [share.path for share in shared]
    written = [path for path in own if path != root] if writable else []
    written += [share.path for share in shared if share.level == "write"]
    return document(readable, written)


def document(readable: list[str], written: list[str]) -> Any:
    """A document in MMS's form."""
    statements = [
        _statement("GetBucketLocation", [f"arn:aws:s3:::{BUCKET}"]),
        _statement("ListBucket", [f"arn:aws:s3:::{BUCKET}"])
        | {"Condition": {"StringLike": {"s3:prefix": [one for path in readable for one in (path, f"{path}/*")]}}},
        _statement("GetObject", _arns(readable)),
    ]
    if written:
        statements.append(_statement("PutObject", _arns(written)))
        statements.append(_statement("DeleteObject", [f"arn:aws:s3:::{BUCKET}/{path}/*" for path in written]))
    return {"Version": "2012-10-17", "Statement": statements}


def as_minio_keeps_it(document_: Any) -> Any:
    """The same document as a MinIO gives it back: lists everywhere, in an order of its own."""
    statements = [
        {**statement, "Action": [statement["Action"]], "Resource": sorted(statement["Resource"])}
        for statement in document_["Statement"]
    ]
    return {"Version": document_["Version"], "Statement": statements[::-1]}


def _system(user: str) -> Any:
    logs = f"cdm-spark-job-logs/spark-job-logs/{user}"
    resources = [f"arn:aws:s3:::{path}" for path in (logs, f"{logs}/*", "cts/io", "cts/io/*")]
    return {"Version": "2012-10-17", "Statement": [_statement("GetObject", resources)]}


def _statement(action: str, resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": f"s3:{action}", "Resource": resources}


def _arns(paths: list[str]) -> list[str]:
    return [f"arn:aws:s3:::{BUCKET}/{one}" for path in paths for one in (path, f"{path}/*")]


def _csv(file: Path, rows: list[dict[str, str]]) -> None:
    if rows:
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def old_service(seed: int, users: int, tenants: int, shares: int) -> Old:
    """Make up a whole service: `tenants` groups with their twins, and shares of every kind."""
    dice = random.Random(seed)
    names = [f"user{number:02}" if number % 3 else f"u.{number:02}-x" for number in range(users)]
    bases = [f"tenant{number}" if number % 4 else f"hyd{number}ro" for number in range(tenants)]
    groups = {}
    for base in bases:
        inside = dice.sample(names, dice.randint(0, min(10, users)))
        both = dice.randint(0, len(inside))
        groups[base] = sorted(inside[:both])
        groups[f"{base}ro"] = sorted({*inside[both:], *inside[: both // 2]})  # the creator is in both, as in MMS
    made = Old(names, groups)
    taken: set[tuple[str, str]] = set()
    while len(made.shares) < shares:
        share = _share(dice, names, list(groups))
        key = (share.path, share.target.removesuffix("ro") if share.is_group else share.target)
        if share.target != share.owner and key not in taken:
            taken.add(key)
            made.shares.append(share)
    made.metadata = [_metadata(base, dice) for base in bases[::2]]
    made.stewards = [
        {
            "tenant_name": base,
            "username": groups[base][0],
            "assigned_by": "root1",
            "assigned_at": "2026-05-02 08:00:00+02",
        }
        for base in bases
        if groups[base]
    ]
    made.profiles = [
        {"username": name, "display_name": f"Person {name}", "email": f"{name}@example.org",
         "captured_at": "2026-04-01 12:30:00.123456+00"}
        for name in names[::2]
    ]  # fmt: skip
    return made


def _share(dice: random.Random, users: list[str], groups: list[str]) -> OldShare:
    owner = dice.choice(users)
    folder = dice.choice([GENERAL, SQL])
    depth = "/".join(
        dice.choice(["data", "exp1", "exp10", "notes.txt", "a b", "ünï"]) for _ in range(dice.randint(1, 3))
    )
    is_group = dice.random() < 0.4
    target = dice.choice(groups if is_group else users)
    return OldShare(f"{folder}/{owner}/{depth}", owner, target, is_group, dice.choice(["read", "write"]))


def _metadata(base: str, dice: random.Random) -> dict[str, str]:
    return {
        "tenant_name": base,
        "display_name": f"The {base}",
        "description": 'Rivers,\n"and" lakes',
        "organization": dice.choice(["", "LBNL"]),
        "created_by": "root1",
        "created_at": "2026-05-01 00:00:00+00",
        "updated_at": "2026-05-03 10:00:00.5+00",
        "updated_by": "",
        "website": dice.choice(["", "https://example.org/"]),
    }
