"""A real hub: people sign in, work in notebooks over several lives of their keys, and stop or are culled."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integrations.real.hub import DURATION, Browser, Hub, running_hub
from tests.support.waiting import eventually, reached
from vendor.dev.stack import Stack, running_stack

LIVES = 3
CELL = Path(__file__).with_name("notebook.py")
QUIET = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "512m",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
# What somebody tries with a token that is not theirs.
STEAL = """
import json, urllib.error, urllib.request
def ask(token):
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
import os
print(json.dumps([ask(open(os.environ["VENDOR_LEASE_TOKEN_FILE"]).read()), ask(TOKEN)]))
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("juicefs") as made:
        yield made


@pytest.fixture
def hub(installed: Path, python: str, stack: Stack, tmp_path: Path) -> Iterator[Hub]:
    if not (installed / "node" / "node_modules").exists():
        pytest.skip("configurable-http-proxy is not installed")
    with running_hub(installed, stack, tmp_path) as made:
        yield made


def opens(stack: Stack, token: str) -> bool:
    """Say whether a lease token is good for keys."""
    with httpx2.Client(trust_env=False, timeout=20) as web:
        answer = web.get(f"{stack.gateway.url}/v1/container-credentials", headers={"authorization": token})
    assert answer.status_code in {200, 401, 410}, answer.text
    return answer.status_code == 200


async def works(browser: Browser, jars: list[str]) -> dict[str, Any]:
    """Run the notebook for some lives of the keys, and look around in the server meanwhile."""
    options = {"seconds": LIVES * DURATION + 5, "keys": LIVES + 1, "jars": jars, "spark": QUIET}
    async with browser.kernel() as kernel:
        told: dict[str, Any] = json.loads(await kernel.run(f"OPTIONS = {options!r}\n{CELL.read_text()}"))
        look_around(browser, told)
    return told


def look_around(browser: Browser, told: dict[str, Any]) -> None:
    """No key of the store is in the environment or a file of the server, or in the hub's log; no token is in a log."""
    token = browser.hub.token_file(browser.name).read_text()
    forbidden = [*told["secrets"], *told["keys"]["boto3"], *told["keys"]["spark"]]
    processes = browser.processes()
    assert len(processes) >= 3, "the server, the kernel and Spark's JVM"
    for process in processes:
        environ = process.environ()
        assert environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] == str(browser.hub.token_file(browser.name))
        assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(environ)
        shown = "\n".join([*environ.values(), *process.cmdline()])
        assert not [secret for secret in [*forbidden, token] if secret in shown], process
    for file in browser.hub.home(browser.name).rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [secret for secret in [*forbidden, token] if secret.encode() in content], file
    assert browser.hub.token_file(browser.name).stat().st_mode & 0o777 == 0o600
    log = browser.hub.log
    assert "Lease l_" in log
    assert not [secret for secret in [*forbidden, token] if secret in log]
    assert not re.search(r"vlt_\w", log)


@pytest.mark.timeout(600)
async def test_people_work_over_several_lives_of_their_keys_and_nothing_is_left_when_they_stop(
    hub: Hub, stack: Stack, jars: list[str], python: str
) -> None:
    async with AsyncExitStack() as people:
        alice, bob = [await people.enter_async_context(Browser(hub, stack, name)) for name in ("alice", "bob")]
        for browser in (alice, bob):
            await browser.sign_in()
        await asyncio.gather(alice.start(), bob.start())
        tokens = {one.name: hub.token_file(one.name).read_text() for one in (alice, bob)}
        assert all(opens(stack, token) for token in tokens.values())

        told = await works(alice, jars)
        assert told["rounds"] >= LIVES
        assert all(len(keys) > LIVES for keys in told["keys"].values()), told["keys"]
        assert told["warehouse"] == "s3a://cdm-lake/users-sql-warehouse/alice/"

        await alice.stop()
        await reached(lambda: not hub.token_file("alice").exists(), within=60)
        assert not alice.processes()
        async with bob.kernel() as kernel:
            own, stolen = json.loads(await kernel.run(f"TOKEN = {tokens['alice']!r}\n{STEAL}"))
        assert own == 200
        assert stolen in {401, 410}

        await asyncio.to_thread(cull, hub, python)
        assert not opens(stack, tokens["bob"])

        await alice.start()  # again, with another lease
        again = hub.token_file("alice").read_text()
        assert again != tokens["alice"]
        assert opens(stack, again)
    hub.child.stop()  # which stops the servers
    assert not opens(stack, again)
    eventually(lambda: not list((hub.folder / "tokens").glob("*.token")), within=10)


def cull(hub: Hub, python: str) -> None:
    """Let the culler end what has been idle for a second."""
    command = [
        str(Path(python).with_name("jupyterhub-idle-culler")),
        f"--url={hub.api}",
        "--timeout=1",
        "--cull-every=1",
    ]
    environ = {**os.environ, "JUPYTERHUB_API_TOKEN": hub.culler_token}
    with (hub.folder / "culler.log").open("w") as log:
        culler = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        eventually(lambda: not hub.token_file("bob").exists(), within=60, what="culling")
    finally:
        culler.terminate()
        culler.wait(10)
