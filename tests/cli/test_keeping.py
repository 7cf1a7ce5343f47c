"""Where a sign-in lies: in the keyring, or a private file; and what happens to one that is not safely ours."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_child import Terminal
from tests.cli.test_sign_in import read_prompt, sign_in
from tests.cli.vend import Vend

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(".local/state/vend/sign-ins/default.json")


@pytest.fixture
def fresh(vend: Vend, seaweedfs_stack: "Stack") -> Vend:
    vend.environ["VENDOR_URL"] = seaweedfs_stack.gateway.url
    return vend


@pytest.fixture
def with_keyring(fresh: Vend) -> Vend:
    fresh.environ |= {"PYTHON_KEYRING_BACKEND": "tests.cli.wallet.Wallet", "PYTHONPATH": str(ROOT)}
    return fresh


def wallet(vend: Vend) -> dict[str, str]:
    kept: dict[str, str] = json.loads((vend.home / "wallet.json").read_text())
    return kept


def ended(vend: Vend) -> None:
    """Make the token in the file look as if it had ended."""
    path = vend.home / KEPT
    path.write_text(json.dumps({**json.loads(path.read_text()), "expires_at": 1.0}))


def test_the_refresh_token_lies_in_the_keyring(with_keyring: Vend, seaweedfs_stack: "Stack") -> None:
    _out, err = sign_in(with_keyring, seaweedfs_stack, "alice").communicate(timeout=30)
    assert "keyring" not in err
    assert json.loads((with_keyring.home / KEPT).read_text())["refresh_token"] is None
    (first,) = wallet(with_keyring).values()

    ended(with_keyring)
    both = [with_keyring.start("whoami", "--json") for _ in range(2)]  # at once: the second must not use the old one
    for running in both:
        out, err = running.communicate(timeout=60)
        assert json.loads(out)["principal"] == "alice", err

    (second,) = wallet(with_keyring).values()
    assert second != first
    assert all(second not in path.read_text() for path in with_keyring.files() if path.name != "wallet.json")
    assert with_keyring("logout").code == 0
    assert wallet(with_keyring) == {}


def test_a_keyring_that_is_locked(with_keyring: Vend, seaweedfs_stack: "Stack") -> None:
    sign_in(with_keyring, seaweedfs_stack, "alice").communicate(timeout=30)
    ended(with_keyring)
    refused = with_keyring("whoami", env={"WALLET_LOCKED": "1"})
    assert (refused.code, refused.out) == (3, "")
    assert "keyring cannot be used (KeyringLocked)" in refused.err
    assert with_keyring("logout", env={"WALLET_LOCKED": "1"}).code == 0
    assert with_keyring("whoami").code == 3

    with_keyring.environ["WALLET_LOCKED"] = "1"  # signing in goes on without it
    _out, err = sign_in(with_keyring, seaweedfs_stack, "alice").communicate(timeout=30)
    assert "lies in" in err
    assert with_keyring("whoami").code == 0


@pytest.mark.parametrize("how", ["none", "off"])
def test_without_a_keyring_a_private_file_and_a_warning(fresh: Vend, seaweedfs_stack: "Stack", how: str) -> None:
    if how == "off":
        backend = {"PYTHON_KEYRING_BACKEND": "tests.cli.wallet.Wallet", "PYTHONPATH": str(ROOT)}
        fresh.environ |= {**backend, "VENDOR_KEYRING": "off"}
    _out, err = sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)
    assert f"no system keyring in use, so the sign-in lies in {fresh.home / KEPT}" in err
    assert json.loads((fresh.home / KEPT).read_text())["refresh_token"]
    assert not (fresh.home / "wallet.json").exists()


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda path: path.chmod(0o644), "can be read or changed by others", id="mode"),
        pytest.param(link, "is a symbolic link", id="link"),
        pytest.param(fifo, "not a regular file", id="fifo"),
        pytest.param(folder, "not a regular file", id="folder"),
        pytest.param(cut, "is damaged", id="cut"),
        pytest.param(lambda path: path.write_bytes(b"\x00\xff" * 9), "is damaged", id="noise"),
        pytest.param(lambda path: path.write_bytes(b"[" * 50_000), "is damaged", id="deep"),
        pytest.param(lambda path: path.write_bytes(b"x" * 300_000), "far too long", id="long"),
        pytest.param(
            lambda path: os.chown(path, 65534, 65534),
            "belongs to somebody else",
            id="owner",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away"),
        ),
    ],
)
def test_a_file_that_is_not_safely_ours(
    fresh: Vend, seaweedfs_stack: "Stack", spoil: Callable[[Path], None], says: str
) -> None:
    token = seaweedfs_stack.tokens["bob"]
    fresh("login", "--token", "-", stdin=token)
    spoil(fresh.home / KEPT)

    for arguments in (["whoami"], ["env"], ["process"], ["exec", "--", "true"]):
        said = fresh(*arguments)
        assert (said.code, said.out) == (3, "")
        assert says in said.err
        assert token not in said.err
    if not (fresh.home / KEPT).is_dir():
        assert fresh("login", "--token", "-", stdin=token).code == 0
        assert fresh("whoami").code == 0


def test_a_child_never_sees_the_sign_in(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)
    kept = json.loads((fresh.home / KEPT).read_text())
    code = """
import os
print(dict(os.environ), [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if n > "2"
      and os.path.lexists(f"/proc/self/fd/{n}")])
"""
    for options in ([], ["--env"]):
        said = fresh("exec", *options, "--", "python3", "-c", code)
        assert said.code == 0, said.err
        assert kept["refresh_token"] not in said.out
        assert kept["token"] not in said.out
        assert "sign-ins" not in said.out
        assert "vlt_" not in said.out


@pytest.mark.parametrize(
    ("arguments", "prompt"),
    [
        (("login", "--device"), "confirm the code"),
        (("login", "--browser"), "Sign in with your browser"),
        (("login", "--token", "-"), "Token:"),
        (("server",), "Serving until Ctrl-C"),
    ],
)
def test_an_interrupt_at_any_prompt(
    fresh: Vend, seaweedfs_stack: "Stack", arguments: tuple[str, ...], prompt: str
) -> None:
    if arguments == ("server",):
        fresh.environ["VENDOR_TOKEN"] = seaweedfs_stack.tokens["alice"]
    fresh.environ["BROWSER"] = "true %s"
    terminal = Terminal(fresh, *arguments)
    terminal.wait_for(prompt)
    terminal.type(b"\x03")
    assert terminal.end() == (0 if arguments == ("server",) else 130)
    assert "Traceback" not in terminal.said
    assert not (fresh.home / KEPT).exists()


def test_a_sign_in_without_a_terminal(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    """Nothing waits for keys to be pressed: the prompt goes to stderr, and the answer comes from elsewhere."""
    running = fresh.start("login", "--device", "--json")
    _page, code = read_prompt(running)
    seaweedfs_stack.idp.approve(code, "bob")
    out, _err = running.communicate(timeout=30)
    assert json.loads(out)["principal"] == "bob"
