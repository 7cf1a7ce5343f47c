"""A person in the story: uses `vend` and plain boto3, like anybody outside this project."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client
from vendor.dev.tell import StepFailed

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_DENIED = frozenset({"AccessDenied", "403", "InvalidAccessKeyId"})
_SECONDS = 30


@dataclass
class Person:
    """Somebody with a home folder of their own on this machine."""

    name: str
    stack: Stack
    home: Path
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """What this person was given and nobody else may see: what it is, and its text."""

    def sign_in(self) -> None:
        """`vend login`, with the code confirmed on the provider's page."""
        with subprocess.Popen(
            self._command("login", "--device"), env=self._environment(), stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stderr is not None  # noqa: S101 - it was asked for
            said = running.stderr.readline() + running.stderr.readline()
            code = re.search(r"code (\S+)", said)
            if code is None:
                running.kill()
                raise StepFailed(f"vend login said: {said}")
            self.stack.idp.approve(code.group(1), self.name)
            if running.wait(_SECONDS) != 0:
                raise StepFailed(f"vend login ended with {running.returncode}: {running.stderr.read()}")
        self._remember_sign_in()

    def has_kbase_token(self) -> None:
        """A KBase token in the environment, as on KBase's machines."""
        token = self.stack.kbase.token(self.name)
        self.variables["KBASE_AUTH_TOKEN"] = token
        self.secrets.append(("KBase token", token))

    def lease(self, *scope: str, duration: int | None = None) -> "Keys":
        """`vend lease --json` for paths such as `--read s3://…`; the keys for everything without one."""
        seconds = ["--duration", str(duration)] if duration else []
        keys = Keys(json.loads(self.vend("lease", "--json", *scope, *seconds)))
        self.secrets += keys.secrets
        return keys

    def vend(self, *arguments: str) -> str:
        """Run `vend` and return what it prints.  Raises Refused."""
        done = subprocess.run(
            self._command(*arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.returncode, done.stderr.strip())
        return done.stdout

    def _remember_sign_in(self) -> None:
        for file in self.home.rglob("*.json"):
            kept = json.loads(file.read_text())
            self.secrets += [(name, kept[name]) for name in ("token", "refresh_token") if kept.get(name)]

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vendor.cli.main", *arguments]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "VENDOR_URL": self.stack.gateway.url,
            **self.variables,
        }


class Refused(Exception):
    """`vend` said no, with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Keys:
    """The answer of a lease, and an S3 client that knows only its keys."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.lease: dict[str, Any] = answer["lease"]
        keys = answer["credentials"]
        self.secrets = [("secret key", keys["secret_access_key"]), ("session token", keys["session_token"])]
        pair = KeyPair(keys["access_key_id"], keys["secret_access_key"])
        self.s3: S3Client = s3_client(answer["endpoint"]["url"], pair, keys["session_token"])


def denied(call: Callable[[], object]) -> bool:
    """Make an S3 call and say whether the store denied it; any other failure is raised."""
    try:
        call()
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") in _DENIED:
            return True
        raise
    return False
