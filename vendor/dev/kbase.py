"""The KBase auth emulator as a child process, and the handle to change its users, tokens and faults while it runs."""

import json
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.users import PEOPLE
from vendor.dev.web import answers

_TOKEN_SECONDS = 14 * 24 * 3600  # KBase's own for sign-ins


@dataclass(frozen=True)
class KBase:
    """A running emulator.  A change counts from the next request on."""

    child: Child
    port: int
    file: Path = field(repr=False)
    _first: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """The address to configure: `api/V2/…` is appended to it."""
        return f"http://{LOOPBACK}:{self.port}/"

    def token(self, user: str) -> str:
        """Return the token that this user has from the start."""
        return self._first[user]

    def issue(self, user: str, *, seconds: float = _TOKEN_SECONDS, mfa: str = "Used", kind: str = "Login") -> str:
        """Give a user another token."""
        token = _new_token()
        self._change(lambda state: state["tokens"].update({token: _token_record(user, seconds, mfa, kind)}))
        return token

    def revoke(self, token: str) -> None:
        """Take a token away, as signing out does."""
        self._change(lambda state: state["tokens"].pop(token, None))

    def add_user(self, name: str, roles: Sequence[str], display: str = "") -> None:
        """Make a user known, without a token."""
        self._change(lambda state: state["users"].update({name: _user_record(name, display or name, list(roles))}))

    def set_roles(self, name: str, roles: Sequence[str]) -> None:
        """Replace a user's custom roles."""
        self._change(lambda state: state["users"][name].update(customroles=list(roles)))

    def break_down(
        self, answer: Literal["500", "503", "html", "nonsense", "huge"] | None = None, *, delay: float = 0
    ) -> None:
        """Answer everything with a fault, or after `delay` seconds, or both."""
        self._change(lambda state: state.update(fault={"delay": delay, "answer": answer}))

    def recover(self) -> None:
        """Undo `break_down`."""
        self.break_down(None)

    def reset(self) -> None:
        """Undo everything that was changed since the start."""
        write_private(self.file, json.dumps(_first_state(self._first), indent=1))

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        state = json.loads(self.file.read_text())
        change(state)
        write_private(self.file, json.dumps(state, indent=1))


def start_kbase(folder: StateFolder, children: Children) -> KBase:
    """Start the emulator with the stack's people, and return it once it answers."""
    place = folder.sub("kbase")
    file = place / "kbase.json"
    first = {person.name: _new_token() for person in PEOPLE}
    write_private(file, json.dumps(_first_state(first), indent=1))

    def program(ports: Sequence[int]) -> Program:
        return Program(
            name="kbase",
            argv=[sys.executable, "-m", "vendor.dev.kbase_app", str(file), str(ports[0])],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / "kbase.log",
            ports=ports,
        )

    child = children.serve(1, program, lambda child: answers(f"http://{LOOPBACK}:{child.program.ports[0]}/"), within=20)
    return KBase(child, child.program.ports[0], file, first)


def _first_state(tokens: Mapping[str, str]) -> dict[str, Any]:
    return {
        "users": {person.name: _user_record(person.name, person.display_name, person.kbase_roles) for person in PEOPLE},
        "tokens": {token: _token_record(name, _TOKEN_SECONDS, "Used", "Login") for name, token in tokens.items()},
        "fault": {"delay": 0, "answer": None},
    }


def _user_record(name: str, display: str, roles: list[str]) -> dict[str, Any]:
    return {
        "display": display,
        "email": f"{name}@example.org",
        "customroles": roles,
        "created": int(time.time() * 1000),
    }


def _token_record(user: str, seconds: float, mfa: str, kind: str) -> dict[str, Any]:
    now = time.time()
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        "user": user,
        "created": int(now * 1000),
        "expires": int((now + seconds) * 1000),
        "mfa": mfa,
    }


def _new_token() -> str:
    """32 of A-Z and 2-7, as KBase's own."""
    return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(32))
