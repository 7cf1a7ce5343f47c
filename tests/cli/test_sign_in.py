"""`vend login`, `logout`, `whoami` against the real gateway and the real identity provider."""

import json
import re
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli import browser
from tests.cli.vend import Vend
from vendor.cli.sign_in import has_browser

if TYPE_CHECKING:
    from vendor.dev.kbase import KBase
    from vendor.dev.stack import Stack


@pytest.fixture
def fresh(vend: Vend, seaweedfs_stack: "Stack") -> Vend:
    """`vend` of somebody who only knows the gateway's address."""
    vend.environ["VENDOR_URL"] = seaweedfs_stack.gateway.url
    return vend


def read_prompt(running: "subprocess.Popen[str]") -> tuple[str, str]:
    """Return the page and the code that a device sign-in shows."""
    assert running.stderr is not None
    said = running.stderr.readline() + running.stderr.readline()
    page, code = re.search(r"https?://\S+", said), re.search(r"code (\S+)", said)
    assert page is not None
    assert code is not None, said
    return page.group(), code.group(1)


def sign_in(vend: Vend, stack: "Stack", user: str, *arguments: str) -> "subprocess.Popen[str]":
    running = vend.start("login", *arguments)
    page, code = read_prompt(running)
    assert page.startswith(stack.idp.issuer)
    stack.idp.approve(code, user)
    running.wait(30)
    return running


def test_device_flow(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    running = sign_in(fresh, seaweedfs_stack, "alice")
    out, err = running.communicate(timeout=30)

    assert (running.returncode, out) == (0, "")
    assert "Signed in as alice" in err
    del fresh.environ["VENDOR_URL"]  # the profile knows it now
    assert fresh("whoami", "--json").json["principal"] == "alice"
    assert "sign-in of profile 'default'" in fresh("whoami").out


def test_browser_flow(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    """BROWSER names a script that signs alice in; where it is set, it is used without being asked for."""
    password = seaweedfs_stack.idp.password("alice")
    fresh.environ["BROWSER"] = f"{sys.executable} {browser.__file__} alice {password} %s"

    done = fresh("login")

    assert (done.code, done.out) == (0, ""), done.err
    assert "Signed in as alice" in done.err
    assert fresh("whoami", "--json").json["principal"] == "alice"


def test_device_flow_where_there_is_a_browser(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    fresh.environ["BROWSER"] = "false"
    assert sign_in(fresh, seaweedfs_stack, "alice", "--device").returncode == 0


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, False),
        ({"BROWSER": "w3m", "SSH_TTY": "/dev/pts/1"}, True),
    ],
)
def test_where_there_is_a_browser(environ: dict[str, str], expected: bool) -> None:
    assert has_browser(environ) is expected


def test_the_sign_in_is_kept_private(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)

    (kept,) = [path for path in fresh.files() if path.suffix == ".json"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["refresh_token"]
    token = json.loads(kept.read_text())["token"]
    assert all(token not in path.read_text() for path in fresh.files() if path != kept)


def test_a_token_that_is_about_to_end_is_refreshed(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)
    (kept,) = [path for path in fresh.files() if path.suffix == ".json"]
    before = json.loads(kept.read_text())
    kept.write_text(json.dumps({**before, "expires_at": 1.0}))

    assert fresh("whoami", "--json").json["principal"] == "alice"

    after = json.loads(kept.read_text())
    assert after["token"] != before["token"]
    assert after["refresh_token"] != before["refresh_token"]  # this provider rotates them
    assert after["expires_at"] > 1e9


def test_two_commands_refresh_at_once(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    """The provider takes a refresh token once; without the lock, one of the two would be signed out."""
    sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)
    (kept,) = [path for path in fresh.files() if path.suffix == ".json"]
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "expires_at": 1.0}))

    both = [fresh.start("whoami", "--json") for _ in range(3)]

    for running in both:
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
        assert json.loads(out)["principal"] == "alice"


def test_a_denied_sign_in(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    running = fresh.start("login")
    _page, code = read_prompt(running)
    seaweedfs_stack.idp.approve(code, "alice", approved=False)
    _out, err = running.communicate(timeout=30)

    assert running.returncode == 3
    assert "denied" in err
    assert not [path for path in fresh.files() if path.suffix == ".json"]


def test_logout_ends_the_sign_in_at_the_provider(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    sign_in(fresh, seaweedfs_stack, "alice").communicate(timeout=30)
    (kept,) = [path for path in fresh.files() if path.suffix == ".json"]
    stale = json.dumps({**json.loads(kept.read_text()), "expires_at": 1.0})

    done = fresh("logout")
    assert (done.code, done.out) == (0, "")
    assert not kept.exists()
    assert fresh("whoami").code == 3

    kept.write_text(stale)  # a copy that somebody kept
    kept.chmod(0o600)
    refused = fresh("whoami")
    assert refused.code == 3
    assert "sign-in has ended" in refused.err


def test_a_token_from_the_standard_input(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    done = fresh("login", "--token", "-", stdin=seaweedfs_stack.tokens["bob"] + "\n")

    assert (done.code, done.out) == (0, "")
    assert fresh("whoami", "--json").json["principal"] == "bob"


def test_a_token_as_an_argument_is_taken_with_a_warning(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    done = fresh("login", "--token", seaweedfs_stack.tokens["bob"])

    assert done.code == 0
    assert "can be seen by others" in done.err
    assert seaweedfs_stack.tokens["bob"] not in done.out + done.err


def test_a_kbase_token(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    kbase: KBase = seaweedfs_stack.kbase
    done = fresh("login", "--token", "-", stdin=kbase.token("bob"))
    assert done.code == 0

    assert fresh("whoami", "--json").json["principal"] == "bob"
    for variable in ("KBASE_AUTH_TOKEN", "KB_AUTH_TOKEN"):
        assert fresh("whoami", "--json", env={variable: kbase.token("alice")}).json["principal"] == "alice"


def test_where_tokens_are_looked_for(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    tokens, kbase = seaweedfs_stack.tokens, seaweedfs_stack.kbase
    file = fresh.home / "token"
    file.write_text(tokens["carol"])
    file.chmod(0o600)
    layers = [
        ({}, None),
        ({"KB_AUTH_TOKEN": kbase.token("bob")}, "bob"),
        ({"KBASE_AUTH_TOKEN": kbase.token("alice")}, "alice"),
        ({"VENDOR_TOKEN_FILE": str(file)}, "carol"),
        ({"VENDOR_TOKEN": tokens["bob"]}, "bob"),
    ]
    environ: dict[str, str] = {}
    for more, expected in layers:
        environ |= more
        said = fresh("whoami", "--json", env=environ)
        assert said.code == (0 if expected else 3), said.err
        assert expected is None or said.json["principal"] == expected
    assert fresh("whoami", "--json", "--token-file", str(file), env=environ).json["principal"] == "carol"
    assert fresh("--token-file", "-", "whoami", "--json", stdin=tokens["alice"]).json["principal"] == "alice"


def test_a_refused_token_is_not_kept(fresh: Vend) -> None:
    done = fresh("login", "--token", "-", stdin="A" * 32)

    assert (done.code, done.out) == (3, "")
    assert fresh.files() == []


def test_a_sign_in_is_not_shown_to_another_gateway(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    fresh("login", "--token", "-", stdin=seaweedfs_stack.tokens["bob"])

    done = fresh("whoami", "--gateway", "http://localhost:1")

    assert done.code == 3
    assert "signed in at" in done.err


def test_profiles_keep_sign_ins_apart(fresh: Vend, seaweedfs_stack: "Stack") -> None:
    gateway = fresh.environ.pop("VENDOR_URL")
    for name in ("alice", "bob"):
        said = fresh(
            "login", "--profile", name, "--gateway", gateway, "--token", "-", stdin=seaweedfs_stack.tokens[name]
        )
        assert said.code == 0, said.err

    assert fresh("whoami", "--profile", "alice", "--json").json["principal"] == "alice"
    assert fresh("--profile", "bob", "whoami", "--json").json["principal"] == "bob"
    assert fresh("whoami", "--json", env={"VENDOR_PROFILE": "bob"}).json["principal"] == "bob"
    assert fresh("whoami").code == 2  # the default profile names no gateway
    assert fresh("whoami", "--profile", "nobody").code == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("--token", "-", "--device"), "stands alone", id="token-and-device"),
        pytest.param(("--issuer", "https://elsewhere.example"), "names no issuer", id="unknown-issuer"),
        pytest.param(("--gateway", "http://gateway.example"), "plain http", id="plain-http"),
        pytest.param(("--gateway", "https://me:pw@gateway.example"), "must not carry", id="password-in-address"),
        pytest.param(("--profile", "../x"), "not a profile name", id="path-as-profile"),
        pytest.param(("--nonsense",), "No such option", id="unknown-option"),
    ],
)
def test_usage(fresh: Vend, arguments: tuple[str, ...], expected: str) -> None:
    done = fresh("login", *arguments)

    assert (done.code, done.out) == (2, "")
    assert expected in done.err
