"""The lines of an export, byte for byte: events, the checkpoints that seal them, the end, and the proof of one event.

    {"cursor":"1763704800000-0","revision":17,"event":{…}}          an event, as it is stored
    {"checkpoint":{…},"jws":"…","leaves":"…"}                         seals the events since the one before
    {"end":{…},"jws":"…"}                                             nothing follows
    {"cursor":"…","revision":…,"event":{…},"index":4,"path":["…"],"jws":"…"}   one event and why it belongs to the log

Every line is JSON for whoever reads it, and has exactly one form, so that no byte can change without being noticed.
`checkpoint` and `end` repeat the payload of their `jws` (RFC 7515, ES256).  `leaves` are the hashes of the events, in
base64: the signature covers their root, and where that does not fit they tell which event is to blame.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from vendor.sealed import merkle

VERSION: Final = 1
CHECKPOINT_TYPE: Final = "vendor-audit-checkpoint+jws"
END_TYPE: Final = "vendor-audit-end+jws"
GENESIS: Final = "0" * 64
"""What the first checkpoint names as the one before it."""
MOST_IN_RUN: Final = 1000
"""As many events as one checkpoint seals at most."""

_CURSOR: Final = rb"(?:0|[1-9]\d{0,19})-(?:0|[1-9]\d{0,19})"
_HEAD: Final = rb'\{"cursor":"(' + _CURSOR + rb')","revision":(null|0|[1-9]\d{0,18}),"event":'
_JWS: Final = rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
EVENT: Final = re.compile(_HEAD + rb"(\{[^\r\n]*\})\}\n")
CHECKPOINT: Final = re.compile(
    rb'\{"checkpoint":(\{[^\r\n]*\}),"jws":"(' + _JWS + rb')","leaves":"([A-Za-z0-9+/]*={0,2})"\}\n'
)
END: Final = re.compile(rb'\{"end":(\{[^\r\n]*\}),"jws":"(' + _JWS + rb')"\}\n')
PROOF: Final = re.compile(
    _HEAD
    + rb'(\{[^\r\n]*\}),"index":(0|[1-9]\d{0,9}),"path":\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\],"jws":"('
    + _JWS
    + rb')"\}\n?'
)


class BadForm(ValueError):
    """A record is not of the form that is written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: which events it seals, and which checkpoint came before.

    `first` and `last` are the cursors of its events, `size` how many events all checkpoints up to this one seal, `root`
    the Merkle root of its events, `previous` the SHA-256 of the JWS before it.
    """

    number: int
    first: str
    last: str
    count: int
    size: int
    root: str
    previous: str
    time: str
    gateway: str

    def payload(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical({"v": VERSION, **asdict(self)})


@dataclass(frozen=True, slots=True)
class End:
    """What the end of an export says: from which checkpoint to which it goes, with how many events."""

    first: int
    last: int
    events: int
    previous: str
    time: str
    gateway: str

    def payload(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical({"v": VERSION, **asdict(self)})


_NUMBERS: Final = {"Checkpoint": {"number", "count", "size"}, "End": {"first", "last", "events"}}
_Form = TypeVar("_Form", Checkpoint, End)


def canonical(record: dict[str, Any]) -> bytes:
    """Return the one form of a signed record: ASCII, members sorted, no spaces."""
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_checkpoint(payload: bytes) -> Checkpoint:
    """Read a signed payload.  Raises BadForm."""
    return _read(payload, Checkpoint)


def read_end(payload: bytes) -> End:
    """Read a signed payload.  Raises BadForm."""
    return _read(payload, End)


def leaf_of(cursor: bytes, revision: bytes, text: bytes) -> bytes:
    """Return the leaf that an event is in its checkpoint's tree: its place, the revision it brought, and its text."""
    return merkle.leaf(cursor + b"\n" + revision + b"\n" + text)


def revision_text(revision: str | None) -> str:
    """Return a revision as it stands in a line."""
    return "null" if revision is None else revision


def event_line(cursor: str, revision: str | None, text: str) -> str:
    """Return the line of an event."""
    return f'{{"cursor":"{cursor}","revision":{revision_text(revision)},"event":{text}}}\n'


def checkpoint_line(jws: str, leaves: str) -> str:
    """Return the line of a checkpoint."""
    return f'{{"checkpoint":{payload_of(jws).decode("ascii")},"jws":"{jws}","leaves":"{leaves}"}}\n'


def end_line(jws: str) -> str:
    """Return the last line of an export."""
    return f'{{"end":{payload_of(jws).decode("ascii")},"jws":"{jws}"}}\n'


def proof_line(cursor: str, revision: str | None, text: str, index: int, way: Sequence[bytes], jws: str) -> str:
    """Return an event with what proves that a checkpoint seals it."""
    path = ",".join(f'"{node.hex()}"' for node in way)
    head = event_line(cursor, revision, text)[:-2]
    return f'{head},"index":{index},"path":[{path}],"jws":"{jws}"}}\n'


def pack_leaves(leaves: Sequence[bytes]) -> str:
    """Return hashes as they stand in a line."""
    return base64.b64encode(b"".join(leaves)).decode("ascii")


def unpack_leaves(text: bytes) -> list[bytes]:
    """Read hashes.  Raises BadForm."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadForm("not base64") from None
    if len(data) % merkle.SIZE or base64.b64encode(data) != text:
        raise BadForm("not a list of hashes")
    return [data[at : at + merkle.SIZE] for at in range(0, len(data), merkle.SIZE)]


def payload_of(jws: str) -> bytes:
    """Return what a JWS says, without a look at its signature.  Raises BadForm."""
    parts = jws.split(".")
    if len(parts) != 3:
        raise BadForm("not a JWS")
    return unpack(parts[1].encode("ascii"))


def unpack(part: bytes) -> bytes:
    """Decode base64url in its one canonical form.  Raises BadForm."""
    try:
        data = base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadForm("not base64url") from None
    if pack(data) != part:
        raise BadForm("not canonical base64url")
    return data


def pack(data: bytes) -> bytes:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def place(cursor: str | bytes) -> tuple[int, int]:
    """Return a cursor as numbers that can be compared."""
    left, _, right = (cursor.decode("ascii") if isinstance(cursor, bytes) else cursor).partition("-")
    return int(left), int(right)


def _read(payload: bytes, form: type[_Form]) -> _Form:
    try:
        record = json.loads(payload)
        version = record.pop("v")
        found = form(**record)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadForm("its payload cannot be read") from None
    numbers = _NUMBERS[form.__name__]
    for name, value in asdict(found).items():
        if type(value) is not (int if name in numbers else str):
            raise BadForm(f"its member {name} is of the wrong type")
    if version != VERSION:
        raise BadForm("it is of a version that this program does not know")
    return found
