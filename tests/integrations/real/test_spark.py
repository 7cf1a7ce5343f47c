"""Real Spark with leases of half a minute: it works on over many of them, through outages, until it may no more."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.real.conftest import ROOT
from tests.support.gateways import api
from tests.support.waiting import eventually
from vendor.dev.stack import Stack, running_stack

SECONDS = 30
LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
logger.keys.name = stsvendor
logger.keys.level = info
"""
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
    "spark.task.maxFailures": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.files.maxPartitionBytes": "64k",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


class Job:
    """A running Spark job and what it has said."""

    def __init__(self, process: "subprocess.Popen[str]", python: str, log: Path, enough: Path) -> None:
        self.process = process
        self.work = next(Path(python).parents[1].glob("lib/python*/site-packages/pyspark")) / "work"
        self.log = log
        self.enough = enough
        self.said: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def rounds(self) -> int:
        return sum("round" in line for line in self.said)

    def last(self, name: str) -> Any:
        return next((line for line in reversed(self.said) if name in line), None)

    def waits_for(self, rounds: int, within: float) -> None:
        """Wait until so many rounds more are done."""
        wanted = self.rounds() + rounds
        eventually(lambda: self.rounds() >= wanted or self.last("denied"), within=within, what=f"round {wanted}")
        assert not self.last("denied"), self.said[-1]

    def end(self, within: float) -> None:
        self.process.wait(within)
        self._reader.join()

    def logs(self) -> list[str]:
        """What each JVM wrote: the driver, then the executors."""
        app = self.last("app")["app"]
        executors = sorted((self.work / app).glob("*/stderr"))
        return [self.log.read_text(), *(file.read_text() for file in executors)]


@contextmanager
def running(python: str, jars: Sequence[str], stack: Stack, folder: Path, **options: object) -> Iterator[Job]:
    """Start the job as alice."""
    logging = folder / "log4j2.properties"
    logging.write_text(LOGGING)
    told = {
        "master": "local-cluster[2,1,512]",
        "settings": SETTINGS,
        "duration": SECONDS,
        "jars": list(jars),
        "with_jar": True,
        "folder": str(folder / "token"),
        "logging": str(logging),
        "enough": str(folder / "enough"),
        "rounds": 0,
        **options,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VENDOR_", "SPARK_"))}
    environ = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": python,
        "VENDOR_URL": stack.gateway.url,
        "VENDOR_TOKEN": stack.tokens["alice"],
    }
    log = folder / "driver.log"
    command = [python, str(Path(__file__).with_name("spark_job.py")), json.dumps(told)]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, text=True, cwd=folder
        )
    job = Job(process, python, log, folder / "enough")
    try:
        eventually(lambda: job.rounds() or process.poll() is not None, within=400, what="the first round")
        assert job.rounds(), log.read_text()[-6000:]
        yield job
    finally:
        process.terminate()
        job.end(60)
        assert process.stdout is not None
        process.stdout.close()
        if app := job.last("app"):
            shutil.rmtree(job.work / app["app"], ignore_errors=True)


@pytest.fixture(scope="module", params=["seaweedfs", "juicefs"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with running_stack(request.param, short_seconds=SECONDS) as made:
        yield made


@pytest.mark.timeout(1200)
def test_a_job_outlives_its_leases_and_outages_and_is_denied_when_it_may_no_more(
    python: str, jars: list[str], stack: Stack, tmp_path: Path
) -> None:
    with running(python, jars, stack, tmp_path) as job:
        began = time.monotonic()
        stack.gateway.child.freeze()
        try:
            time.sleep(40)  # longer than any key lasts
        finally:
            stack.gateway.child.thaw()
        job.waits_for(3, within=60)
        stack.valkey.child.stop()
        stack.valkey.child.restart()
        eventually(lambda: api_answers(stack), within=30, what="the gateway with a new Redis")
        job.waits_for(3, within=60)
        eventually(lambda: time.monotonic() - began > 180 or job.last("denied"), within=190)
        job.waits_for(1, within=60)

        with api(stack, "carol") as carol:
            gone = carol.call("DELETE", "/v1/tenants/kbase/members/alice")
            assert gone.is_success, gone.text
        job.enough.touch()
        taken = time.time()
        eventually(lambda: job.last("denied"), within=SECONDS + 60, what="the refusal")
        assert job.last("denied")["denied"], job.last("denied")
        last_round = job.last("round")["at"]
        at_once = "ceiling" in lease_form(stack)
        assert last_round - taken < (10 if at_once else SECONDS + 5), "it worked on for too long"
        job.end(60)
        logs = job.logs()
    with api(stack, "carol") as carol:
        assert carol.call("PUT", "/v1/tenants/kbase/members/alice", {"access": "read_write"}).is_success
    assert len(logs) == 3, "one driver and two executors"
    for log in logs:
        renewals = re.findall(r"LeaseCredentialsProvider: Keys (\S+) are good until", log)
        assert len(set(renewals)) >= 5, f"the first keys and four more: {renewals}\n{log[-3000:]}"
    assert not any("vlt_" in log for log in logs), "a token is in a log"


def api_answers(stack: Stack) -> bool:
    with api(stack, "alice") as alice:
        return alice.call("GET", "/v1/whoami").is_success


def lease_form(stack: Stack) -> str:
    with api(stack, "bob") as bob:
        return str(bob.lease()["lease"]["policy"]["form"])


@pytest.mark.timeout(800)
@pytest.mark.parametrize("stack", ["juicefs"], indirect=True)
def test_without_our_jar_the_sdks_own_container_provider_does(
    python: str, jars: list[str], stack: Stack, tmp_path: Path
) -> None:
    """The recipe of docs/spark.md; with keys of an hour, as that provider wants them."""
    others = [jar for jar in jars if "sts-vendor" not in jar]
    with running(python, others, stack, tmp_path, with_jar=False, duration=3600, rounds=2) as job:
        eventually(lambda: job.process.poll() is not None, within=200, what="the end")
        assert job.rounds() == 2, job.said
        assert job.process.returncode == 0
