"""The container-credentials endpoint of `vend exec`, and the SDK at the other end of it."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.client.leases import lease
from tests.client.stub import Reply, Stub, stub_server
from tests.support.waiting import eventually
from vendor.cli import loopback
from vendor.cli.loopback import serving
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.errors import BadInput
from vendor.client.keeper import Keeper, KeySource
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.secret import RawToken
from vendor.times import parse_rfc3339


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        made.answer = lambda _seen: Reply(201, lease(token="vlt_1"))
        yield made


@pytest.fixture
def keeper(stub: Stub) -> Iterator[Keeper]:
    with Client(stub.url, fixed(RawToken("identity"))) as client:
        made = Keeper(KeySource(client, Ask(), renewable_for=60), warn=lambda _text: None)
        yield made
        made.close()


@pytest.fixture
def variables(keeper: Keeper) -> Iterator[Mapping[str, str]]:
    with serving(keeper) as made:
        yield made


def ask(variables: Mapping[str, str], **headers: str) -> httpx2.Response:
    return httpx2.get(variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=headers, trust_env=False)


def token(variables: Mapping[str, str]) -> str:
    return Path(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text()


def test_the_contract(variables: Mapping[str, str], keeper: Keeper) -> None:
    answer = ask(variables, authorization=token(variables))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert set(said) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "Code"}
    assert said["Code"] == "Success"
    assert parse_rfc3339(said["Expiration"]) == keeper.held.credentials.expiration


def test_nobody_without_the_token(variables: Mapping[str, str]) -> None:
    right = token(variables)
    for wrong in ({}, {"authorization": ""}, {"authorization": right[:-1]}, {"authorization": f"Bearer {right}"}):
        answer = ask(variables, **wrong)
        assert answer.status_code == 401
        assert set(answer.json()) == {"code", "message"}
        assert right not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "169.254.170.2:80", ""])
def test_no_web_page_under_another_name(variables: Mapping[str, str], host: str) -> None:
    assert ask(variables, authorization=token(variables), host=host).status_code == 404


def test_no_other_paths_and_methods(variables: Mapping[str, str]) -> None:
    uri, right = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"], {"authorization": token(variables)}
    for path in ("", "/", "/x", "?x=1"):
        assert httpx2.get(uri + path if path else uri[:-1], headers=right, trust_env=False).status_code == 404
    assert httpx2.post(uri, headers=right, trust_env=False).status_code == 501


def test_the_files_are_private_and_go_away(keeper: Keeper) -> None:
    with serving(keeper) as variables:
        file = Path(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
        assert not file.read_text().endswith("\n")  # some SDKs would send it along
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        secret = keeper.held.credentials.secret_access_key.reveal()
        assert all(secret not in path.read_text() for path in file.parent.iterdir())
    assert not file.parent.exists()
    with pytest.raises(httpx2.ConnectError):
        ask(variables)


def test_only_loopback_listens(variables: Mapping[str, str]) -> None:
    port = int(variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"].split(":")[2].split("/")[0])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((str(address), port)) != 0 or str(address).startswith("127.")


def test_a_port_that_is_taken(keeper: Keeper) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="cannot be used"), serving(keeper, taken.getsockname()[1]):
            pytest.fail("it served on somebody else's port")


def test_keys_that_ended_are_not_served(stub: Stub) -> None:
    stub.answer = lambda _seen: Reply(201, lease(0.01))
    with Client(stub.url, fixed(RawToken("identity"))) as client:
        keeper = Keeper(KeySource(client, Ask(), renewable_for=60), warn=lambda _text: None)
        stub.answer = lambda _seen: Reply(403, {"error": {"code": "not_owner", "message": "No."}})
        with serving(keeper) as variables:
            answer = ask(variables, authorization=token(variables))
        keeper.close()
    assert answer.status_code == 503
    assert answer.json()["code"] == "Unavailable"


SHOW = """
import boto3, json
keys = boto3.Session().get_credentials()
print(json.dumps([keys.method, keys.get_frozen_credentials().access_key]))
"""


@pytest.mark.parametrize("profile", ["", "[default]\naws_access_key_id = OLD\naws_secret_access_key = old\n"])
def test_boto3_finds_it_before_any_profile(
    variables: Mapping[str, str], keeper: Keeper, tmp_path: Path, profile: str
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(profile)
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == ["container-role", keeper.held.credentials.access_key_id]


def connected(variables: Mapping[str, str]) -> socket.socket:
    url = urlsplit(variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    return socket.create_connection((str(url.hostname), url.port or 0), timeout=5)


def hung_up(sending: socket.socket, piece: bytes) -> bool:
    """Say whether the server ends a connection on which pieces of headers keep coming; within a deadline."""
    ends = time.monotonic() + 10
    sending.settimeout(0.02)
    while time.monotonic() < ends:
        try:
            sending.send(piece)
            if sending.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_headers_that_have_no_end_are_not_waited_for(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, and their sum does not."""
    monkeypatch.setattr(loopback, "PATIENCE", 0.5)
    with serving(keeper) as variables, connected(variables) as sending:
        sending.sendall(b"GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX: ")
        assert hung_up(sending, b"x")
        assert ask(variables, authorization=token(variables)).status_code == 200


def test_connections_that_say_nothing_keep_nobody_out(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(loopback, "STRANGER", 0.2)
    with serving(keeper) as variables, ExitStack() as idle:
        threads = threading.active_count()
        for _ in range(6):
            idle.enter_context(connected(variables))
        answer = ask(variables, authorization=token(variables))

        assert answer.status_code == 200
        assert threading.active_count() <= threads + 2


def test_it_ends_though_all_places_are_taken(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(loopback, "STRANGER", 3600.0)
    came: list[object] = []
    process = loopback.Loopback.process_request

    def counted(server: loopback.Loopback, request: object, address: object) -> None:
        came.append(request)
        process(server, request, address)

    monkeypatch.setattr(loopback.Loopback, "process_request", counted)
    with ExitStack() as idle:
        with serving(keeper) as variables:
            for _ in range(3):
                idle.enter_context(connected(variables))
            eventually(lambda: len(came) == 2, what="that one waits for a place")
            began = time.monotonic()
        assert time.monotonic() - began < 4


def test_who_showed_the_token_is_not_hung_up_on_while_keys_are_renewed(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "PATIENCE", 0.2)
    current = keeper.current

    def slow() -> Vended:
        time.sleep(1)
        return current()

    monkeypatch.setattr(keeper, "current", slow)
    with serving(keeper) as variables:
        assert ask(variables, authorization=token(variables)).status_code == 200
