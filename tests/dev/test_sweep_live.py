"""After all that a gateway does, no secret lies where it must not: on disk, in a log, or in what a process shows."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import httpx2
import pytest

from tests.support.gateways import Api, api
from tests.support.waiting import eventually
from vendor.dev.idp import Idp
from vendor.dev.stack import Stack
from vendor.dev.sweep import process_files, redis_files, sweep

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


def signed_in(idp: Idp) -> list[tuple[str, str]]:
    """Sign in as the command line does, with a code on another screen; return the tokens that came of it."""
    begun = idp.begin_device_flow()
    idp.approve(begun["user_code"], "alice")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": begun["device_code"],
        "client_id": "vendor",
    }
    with httpx2.Client(trust_env=False, timeout=20) as web:
        place = web.get(idp.discovery).json()["token_endpoint"]
        deadline = time.monotonic() + 20
        while (answer := web.post(place, data=form)).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            time.sleep(1.1)  # how often the provider lets itself be asked
    return [(name, str(answer.json()[name])) for name in ("access_token", "id_token") if name in answer.json()]


def keys_of(answer: dict[str, Any]) -> list[tuple[str, str]]:
    keys = answer["credentials"]
    found = [(name, keys[name]) for name in ("secret_access_key", "session_token")]
    return found + ([("lease_token", answer["lease_token"])] if "lease_token" in answer else [])


def all_that_is_done(stack: Stack) -> list[tuple[str, str]]:
    """Do everything that makes, takes or gives a secret, and return all of them."""
    secrets = [("identity token", stack.tokens["alice"]), ("KBase token", stack.kbase.token("bob"))]
    secrets += signed_in(stack.idp)
    with Api(stack.gateway.url, dict(secrets)["access_token"]) as newly:
        secrets += keys_of(newly.lease())
    with api(stack, "alice") as alice:
        for _ in range(2):  # once made, once given again
            secrets += keys_of(alice.lease((HOME, "write"), audit_context={"sweep": "1"}))
        renewable = alice.lease((HOME, "read"), renewable_for=7200)
        secrets += keys_of(renewable)
        alice.call("POST", "/v1/leases", {"scope": [{"path": "s3a://cdm-lake/nobody/", "access": "read"}]})
    with Api(stack.gateway.url, renewable["lease_token"]) as holder:
        secrets += keys_of(holder.call("POST", "/v1/leases/renew", {}).json())
        container = holder.call("GET", "/v1/container-credentials").json()
        secrets += [(name, container[name]) for name in ("SecretAccessKey", "Token")]
    with Api(stack.gateway.url, stack.kbase.token("bob")) as bob:
        for method, path in (("GET", "/credentials/"), ("POST", "/credentials/rotate")):
            given = bob.call(method, path).json()
            secrets += [(name, given[name]) for name in ("secret_key", "session_token")]
    with Api(stack.gateway.url, "vlt_" + "a" * 20 + "_" + "Z" * 43) as stranger:
        stranger.call("POST", "/v1/leases/renew", {})
    return [*secrets, ("wrong lease token", "vlt_" + "a" * 20 + "_" + "Z" * 43)]


def test_nothing_is_left_behind(stack: Stack) -> None:
    secrets = all_that_is_done(stack)
    assert len({text for _, text in secrets}) >= 16
    # The identity provider and the KBase emulator are not ours; nor are they told any keys.
    processes = process_files([child.pid for child in stack.children.all() if child.status is None])
    logs = [log for log in stack.logs if log.stat().st_size]

    assert redis_files(stack)
    assert not sweep([*redis_files(stack), *logs, *processes], secrets)
    if os.geteuid() == 0 and processes:
        gateway = process_files([stack.gateway.child.pid])
        assert sweep(gateway, [("setting", "VENDOR_STORE_KIND")]), "this does look into the gateway's environment"


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.parametrize("where", ["environ", "cmdline", "child"])
def test_a_secret_that_a_process_shows_is_found(where: str) -> None:
    secret = "planted-secret-4711"
    code = "import time; time.sleep(60)"
    if where == "child":
        code = (
            f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)  # {secret}'])"
        )
    environment = {**os.environ, **({"PLANTED": secret} if where == "environ" else {})}
    marks = [secret] if where == "cmdline" else []
    with subprocess.Popen([sys.executable, "-c", code, *marks], env=environment) as process:
        try:
            found = eventually(lambda: sweep(process_files([process.pid]), [("planted", secret)]))
        finally:
            for pid in {int(file.parts[2]) for file in process_files([process.pid])}:
                os.kill(pid, signal.SIGKILL)
    assert found[0].file.name in {"environ", "cmdline"}
