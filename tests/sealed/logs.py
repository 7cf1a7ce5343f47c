"""Sealed logs made up in memory, with real signatures."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from vendor.sealed import merkle
from vendor.sealed.keys import AuditKeys, read_keys
from vendor.sealed.records import (
    CHECKPOINT_TYPE,
    END_TYPE,
    GENESIS,
    Checkpoint,
    End,
    checkpoint_line,
    end_line,
    event_line,
    leaf_of,
    pack_leaves,
    revision_text,
)

TIME = "2026-11-21T06:00:00Z"


def sign(key: ec.EllipticCurvePrivateKey, payload: bytes, kind: str, kid: str = "k1") -> str:
    """Sign as the gateway does."""
    return jwt.api_jws.encode(payload, key, algorithm="ES256", headers={"kid": kid, "typ": kind})


@dataclass
class Log:
    """A log of some runs of events; with `revisions` every third one changed governance."""

    runs: int
    in_run: int
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str = "k1"
    revisions: bool = False

    @property
    def keys(self) -> AuditKeys:
        """The public keys."""
        return read_keys(
            json.dumps({"keys": [{**ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": self.kid}]})
        )

    def text(self, number: int) -> str:
        """An event's text."""
        return json.dumps({"event_id": f"e_{number}", "kind": "vend.issued", "n": number}, separators=(",", ":"))

    def lines(self) -> list[bytes]:
        """All lines of an export."""
        made: list[str] = []
        previous, number = GENESIS, 0
        for run in range(1, self.runs + 1):
            leaves = []
            first = number + 1
            for _ in range(self.in_run):
                number += 1
                cursor, text = f"{number}-0", self.text(number)
                revision = str(number // 3) if self.revisions and number % 3 == 0 else None
                leaves.append(leaf_of(cursor.encode(), revision_text(revision).encode(), text.encode()))
                made.append(event_line(cursor, revision, text))
            said = Checkpoint(
                run, f"{first}-0", f"{number}-0", self.in_run, number, merkle.root(leaves).hex(), previous, TIME, "g"
            )
            jws = sign(self.key, said.payload(), CHECKPOINT_TYPE, self.kid)
            previous = sha256(jws.encode()).hexdigest()
            made.append(checkpoint_line(jws, pack_leaves(leaves)))
        end = End(1, self.runs, number, previous, TIME, "g")
        made.append(end_line(sign(self.key, end.payload(), END_TYPE, self.kid)))
        return [line.encode("ascii") for line in made]
