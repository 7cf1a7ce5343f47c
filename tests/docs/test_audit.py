"""The consumers that docs/audit.md shows, run as they stand against the real stack."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
import redis

from tests.docs.shown import block, run
from tests.support.gateways import api
from vendor.dev.stack import Stack

TEXT = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
STREAM = "{vendor}:audit"


@pytest.fixture
def shell(seaweedfs_stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment of an administrator."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "HOSTNAME": "here",
        "VENDOR_URL": seaweedfs_stack.gateway.url,
        "VENDOR_TOKEN": seaweedfs_stack.tokens["carol"],
    }


def leased(stack: Stack) -> str:
    """The id of a new lease of alice's."""
    with api(stack, "alice") as alice:
        lease: str = alice.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"]
        return lease


def kept(shell: dict[str, str]) -> list[dict[str, object]]:
    """The events that a consumer has written down."""
    return [json.loads(line) for line in (Path(shell["HOME"]) / "events.ndjson").read_text().splitlines()]


@contextmanager
def running(command: list[str], shell: dict[str, str]) -> Iterator[IO[str]]:
    """Run a command that does not end by itself; provides what it prints."""
    with subprocess.Popen(
        command, env=shell, cwd=shell["HOME"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def test_a_consumer_with_curl_goes_on_where_it_was(seaweedfs_stack: Stack, shell: dict[str, str]) -> None:
    first = leased(seaweedfs_stack)
    run(block(TEXT, "curl"), shell)
    second = leased(seaweedfs_stack)
    run(block(TEXT, "curl"), shell)

    events = kept(shell)
    assert [event["lease"] for event in events if event.get("lease") in {first, second}] == [first, second]
    assert len({event["event_id"] for event in events}) == len(events)

    third = leased(seaweedfs_stack)
    with running(["bash", "-c", block(TEXT, "curl-tail")], shell) as lines:
        assert any(json.loads(line)["lease"] == third for line in lines)


@pytest.fixture
def reader(seaweedfs_stack: Stack, shell: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a reader of the stream, with the user that the document makes."""
    address = urlsplit(seaweedfs_stack.valkey.url)
    password = secrets.token_urlsafe(12)
    shell |= {"REDIS_HOST": str(address.hostname), "REDIS_PORT": str(address.port), "READER_PASSWORD": password}
    with redis.Redis.from_url(seaweedfs_stack.valkey.url, decode_responses=True) as admin:
        if shutil.which("redis-cli"):
            run(block(TEXT, "acl"), {**shell, "REDISCLI_AUTH": seaweedfs_stack.valkey.password})
        else:
            words = re.search(r"ACL (SETUSER.*)$", block(TEXT, "acl").replace("\\\n", ""), re.MULTILINE)
            assert words is not None
            text = words[1].replace('">$READER_PASSWORD"', f">{password}").replace("'", "").replace("\\|", "|")
            admin.execute_command("ACL", *text.split())
        place = f"{address.hostname}:{address.port}"
        yield {
            **shell,
            "REDISCLI_AUTH": password,
            "AUDIT_REDIS_URL": f"redis://audit-reader:{password}@{place}/0",
        }
        for group in ("shell", "siem"):
            admin.xgroup_destroy(STREAM, group)
        admin.execute_command("ACL", "DELUSER", "audit-reader")


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="there is no redis-cli on the PATH")
def test_a_consumer_with_redis_cli_gets_everything_once(seaweedfs_stack: Stack, reader: dict[str, str]) -> None:
    first = leased(seaweedfs_stack)
    run(block(TEXT, "redis-cli"), reader)
    second = leased(seaweedfs_stack)
    run(block(TEXT, "redis-cli"), reader)

    events = kept(reader)
    assert [event["lease"] for event in events if event.get("lease") in {first, second}] == [first, second]
    assert len({event["event_id"] for event in events}) == len(events)
    with redis.Redis.from_url(seaweedfs_stack.valkey.url) as admin:
        assert admin.xpending(STREAM, "shell")["pending"] == 0


def test_a_consumer_in_python_acknowledges_what_it_dealt_with(seaweedfs_stack: Stack, reader: dict[str, str]) -> None:
    leased(seaweedfs_stack)
    with redis.Redis.from_url(seaweedfs_stack.valkey.url, decode_responses=True) as admin:
        newest = json.loads(admin.xrevrange(STREAM, count=1)[0][1]["event"])["event_id"]
        with running([sys.executable, "-c", block(TEXT, "python")], reader) as lines:
            seen = []
            for line in lines:
                seen.append(line.split()[0])
                if seen[-1] == newest:
                    break
        assert len(set(seen)) == len(seen)
        with running([sys.executable, "-c", block(TEXT, "python")], reader) as lines:
            again = leased(seaweedfs_stack)
            line = next(one for one in lines if one.split()[0] not in seen and "vend.issued" in one)
        texts = [fields["event"] for _, fields in admin.xrange(STREAM)]
        assert json.loads(next(text for text in texts if line.split()[0] in text))["lease"] == again


def test_a_reader_can_do_nothing_but_read(reader: dict[str, str]) -> None:
    with redis.Redis.from_url(reader["AUDIT_REDIS_URL"]) as there:
        for command in (
            ("XADD", STREAM, "*", "event", "{}"),
            ("XDEL", STREAM, "1-1"),
            ("XTRIM", STREAM, "MAXLEN", "0"),
            ("DEL", STREAM),
            ("XGROUP", "DESTROY", STREAM, "siem"),
            ("XREVRANGE", f"{STREAM}:checkpoints", "+", "-"),
            ("HGETALL", "{vendor}:user:alice"),
            ("KEYS", "*"),
            ("ACL", "LIST"),
            ("CONFIG", "GET", "*"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                there.execute_command(*command)
