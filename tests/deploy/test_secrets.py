"""The secrets of the compose stack: who can read them, and that no two installations share any."""

import json
import re
import stat
from pathlib import Path
from runpy import run_path

import bcrypt
import pytest
import yaml

from tests.deploy.files import FOLDER, STACK_SECRETS, unpack_secrets
from vendor.identity.trust import load_trust
from vendor.stores.profile import PROFILES, StoreKind

ENVIRONMENT = {"VENDOR_PUBLIC_URL": "https://keys.example.org"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_secrets(tmp_path_factory.mktemp("secrets"), ENVIRONMENT)


def test_the_folder_is_closed_and_its_files_can_be_read_by_the_services(folder: Path) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes.pop("people.txt") == 0o400
    assert set(modes.values()) == {0o444}
    assert set(modes) == STACK_SECRETS


def test_no_two_installations_share_a_secret(folder: Path) -> None:
    these = _secrets_of({file.name: file.read_text() for file in folder.iterdir()})
    others = _secrets_of(run_path(str(FOLDER / "make_secrets.py"))["made"](ENVIRONMENT))

    assert len(these) == len(set(these)) == len(others)
    assert min(len(secret) for secret in these) >= 16
    assert not set(these) & set(others)


def _secrets_of(text: dict[str, str]) -> list[str]:
    (password,) = re.findall("redis://vendor:([^@]*)@", text["redis-url"])
    (identity,) = json.loads(text["seaweedfs-s3.json"])["identities"]
    (keys,) = identity["credentials"]
    return [
        password,
        keys["accessKey"],
        keys["secretKey"],
        json.loads(text["seaweedfs-iam.json"])["sts"]["signingKey"],
        *(line.split("=", 1)[1] for line in text["minio.env"].splitlines()),
        *(line.split()[1] for line in text["people.txt"].splitlines()),
        *(person["hash"] for person in yaml.safe_load(text["dex.yaml"])["staticPasswords"]),
    ]


def test_people_sign_in_with_the_passwords_of_their_list(folder: Path) -> None:
    dex = yaml.safe_load((folder / "dex.yaml").read_text())
    listed = dict(line.split() for line in (folder / "people.txt").read_text().splitlines())
    hashes = {person["email"]: person["hash"] for person in dex["staticPasswords"]}

    assert set(listed) == set(hashes)
    for email, password in listed.items():
        assert bcrypt.checkpw(password.encode(), hashes[email].encode())


def test_dex_and_the_trust_file_speak_of_the_same(folder: Path) -> None:
    dex = yaml.safe_load((folder / "dex.yaml").read_text())
    (issuer,) = load_trust(FOLDER / "trust.toml").issuers
    (client,) = dex["staticClients"]

    assert issuer.url == dex["issuer"]
    assert issuer.sign_in is not None
    assert client["id"] == issuer.sign_in.client_id == issuer.audiences[0]
    assert client["public"] is True
    assert "secret" not in client
    assert "urn:ietf:params:oauth:grant-type:device_code" in dex["oauth2"]["grantTypes"]
    admins = [person["username"] for person in dex["staticPasswords"] if set(issuer.admin_roles) & {*_groups(person)}]
    assert admins == ["carol"]


def _groups(person: dict[str, object]) -> list[str]:
    groups = person.get("groups", [])
    assert isinstance(groups, list)
    return groups


def test_the_store_trusts_the_gateway_alone_and_no_long_lived_key(folder: Path) -> None:
    roles = json.loads((folder / "seaweedfs-iam.json").read_text())
    keys = json.loads((folder / "seaweedfs-s3.json").read_text())

    (provider,) = roles["providers"]
    assert provider["config"] == {
        "issuer": ENVIRONMENT["VENDOR_PUBLIC_URL"],
        "clientId": "vendor",
        "policyClaim": "policy",  # where a token names the lease's ceilings
    }
    (role,) = roles["roles"]
    (statement,) = role["trustPolicy"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert [identity["name"] for identity in keys["identities"]] == ["admin"]
    assert role["maxSessionDuration"] <= PROFILES[StoreKind.SEAWEEDFS].most_duration


def test_the_client_secret_of_a_minio_is_long(folder: Path) -> None:
    """CVE-2026-33322: who knows it can be anybody."""
    values = dict(line.split("=", 1) for line in (folder / "minio.env").read_text().splitlines())

    assert set(values) == {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_IDENTITY_OPENID_CLIENT_SECRET"}
    assert len(values["MINIO_IDENTITY_OPENID_CLIENT_SECRET"]) >= 64


def test_it_is_never_printed_onto_a_terminal() -> None:
    import os
    import pty
    import subprocess
    import sys

    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, FOLDER / "make_secrets.py"], env=ENVIRONMENT, stdout=follower, stderr=subprocess.PIPE
        )
    finally:
        os.close(leader)
        os.close(follower)

    assert done.returncode == 2
    assert b"tar -xpC" in done.stderr
