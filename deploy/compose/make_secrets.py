"""Make every secret of the compose stack, once, as a tar archive on the standard output.

    docker compose run --rm -T setup | tar -xpC deploy/compose

Nothing is written inside the container, so the files belong to whoever unpacks them.  The folder is closed to others
(0700); the files in it can be read by anyone, because each service reads its own under a user id of its own.  What to
type when signing in is in people.txt, for its owner alone.
"""

import base64
import ctypes
import hashlib
import io
import json
import os
import re
import secrets
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vendor.dev.roles import role_document
from vendor.policy.layout import load_layout
from vendor.settings import shipped_policies

HERE = Path(__file__).parent
FOLDER = "secrets"
PASSWORDS = "people.txt"
PEOPLE = ("alice", "bob", "carol")


def made(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the text of every file by its name."""
    redis_password, people = _random(), {person: _random(16) for person in PEOPLE}
    return {
        "redis-url": f"redis://vendor:{redis_password}@valkey:6379/0\n",
        "valkey-users.acl": _valkey_users(redis_password),
        "seaweedfs-s3.json": json.dumps(_seaweedfs_identities(), indent=1) + "\n",
        "seaweedfs-iam.json": json.dumps(_seaweedfs_roles(environment), indent=1) + "\n",
        "minio.env": _minio(),
        "dex.yaml": _dex(people),
        PASSWORDS: "".join(f"{person}@example.org {password}\n" for person, password in people.items()),
    }


def _random(length: int = 40) -> str:
    return secrets.token_hex(length)[:length]


def _valkey_users(password: str) -> str:
    """The gateway can do what an application does, and no more; the health check can ping; nobody else is let in."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return (
        "user default off\n"
        "user probe on nopass -@all +ping\n"
        f"user vendor on #{digest} ~* &* +@all -@admin -@dangerous +info +config|get\n"
    )


def _seaweedfs_identities() -> dict[str, object]:
    keys = {"accessKey": _random(20).upper(), "secretKey": _random()}
    return {"identities": [{"name": "admin", "credentials": [keys], "actions": ["Admin"]}]}


def _seaweedfs_roles(environment: Mapping[str, str]) -> dict[str, Any]:
    policies = Path(environment.get("VENDOR_POLICIES_DIR") or shipped_policies())
    document = role_document(
        policies,
        "seaweedfs/iam.json",
        {
            "TOKEN_DURATION": "1h",
            "SIGNING_KEY": base64.b64encode(secrets.token_bytes(48)).decode(),
            "ISSUER": environment["VENDOR_PUBLIC_URL"],
            "AUDIENCE": environment.get("VENDOR_STORE_AUDIENCE") or "vendor",
            "BUCKET": load_layout(policies / "layout.toml").bucket,
        },
    )
    for role in document["roles"]:  # only by web identity: no long-lived key can get leases here
        trust = role["trustPolicy"]
        trust["Statement"] = [each for each in trust["Statement"] if "sts:AssumeRole" not in each["Action"]]
    return document


def _minio() -> str:
    """The client secret is used by nobody, but MinIO takes it for a signing key: guessing it must be hopeless."""
    return (
        f"MINIO_ROOT_USER={_random(20)}\n"
        f"MINIO_ROOT_PASSWORD={_random()}\n"
        f"MINIO_IDENTITY_OPENID_CLIENT_SECRET={_random(64)}\n"
    )


def _dex(passwords: Mapping[str, str]) -> str:
    hashes = {f"{person.upper()}_HASH": bcrypt(password) for person, password in passwords.items()}
    return re.sub(r"@([A-Z_]+)@", lambda hole: hashes[hole[1]], (HERE / "dex.yaml").read_text("utf-8"))


def bcrypt(password: str) -> str:
    """Hash a password the way Dex reads it, with the C library's crypt(3)."""
    crypt = _crypt()
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    # The last of the 22 characters carries two bits, so only four of the alphabet are in canonical form there.
    salt = "".join(secrets.choice(alphabet) for _ in range(21)) + secrets.choice(".Oeu")
    hashed = crypt(password.encode(), f"$2b$12${salt}".encode())
    if hashed is None or not hashed.startswith(b"$2b$12$") or len(hashed) != 60:
        raise SystemExit("make_secrets: this C library does not know bcrypt; run it in the gateway's image.")
    return hashed.decode("ascii")


def _crypt() -> Callable[[bytes, bytes], bytes | None]:
    for name in ("libcrypt.so.1", "libcrypt.so.2"):
        try:
            crypt = ctypes.CDLL(name).crypt
        except OSError:
            continue
        crypt.argtypes, crypt.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_char_p
        return crypt
    raise SystemExit("make_secrets: there is no libcrypt here; run it in the gateway's image.")


def archive(files: Mapping[str, str]) -> bytes:
    """Pack the files into a tar archive that holds their folder, too."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        folder = tarfile.TarInfo(FOLDER)
        folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o700, int(time.time())
        tar.addfile(folder)
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            mode = 0o400 if name == PASSWORDS else 0o444
            entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def main() -> int:
    """Write the archive; never onto a terminal."""
    if sys.stdout.isatty():
        sys.stderr.write("make_secrets: pipe this into 'tar -xpC deploy/compose'.\n")
        return 2
    sys.stdout.buffer.write(archive(made(os.environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
