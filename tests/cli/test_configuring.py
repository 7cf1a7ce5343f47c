"""`vend config …` and `vend completion`."""

import shutil
import subprocess

import pytest

from tests.cli.vend import Vend

URL = "https://vendor.example"


def test_profiles_are_set_listed_used_and_removed(vend: Vend) -> None:
    assert vend("config", "list").out == ""
    assert vend("config", "set", "gateway", URL, "--profile", "work").code == 0
    assert vend("config", "set", "store", "fast", "--profile", "work").code == 0
    assert vend("config", "set", "gateway", "http://localhost:1").code == 0
    assert (
        vend("config", "list").out == "default\thttp://localhost:1\tno\tdefault\nwork\thttps://vendor.example\tno\t\n"
    )

    assert vend("config", "use", "work").code == 0
    listed = vend("config", "list", "--json").json
    assert listed["default"] == "work"
    assert listed["profiles"]["work"] == {
        "gateway": URL,
        "issuer": None,
        "client_id": None,
        "store": "fast",
        "insecure_http": False,
        "signed_in": False,
    }
    shown = vend("config", "show", "--json").json
    assert (shown["profile"], shown["gateway"]) == ("work", URL)
    assert vend("config", "show", "--profile", "default", "--json").json["gateway"] == "http://localhost:1"

    assert vend("config", "set", "store", "").code == 0
    assert vend("config", "list", "--json").json["profiles"]["work"]["store"] is None
    assert vend("config", "remove", "work").code == 0
    assert set(vend("config", "list", "--json").json["profiles"]) == {"default"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("set", "gateway", "http://vendor.example"), id="plain-http"),
        pytest.param(("set", "gateway", "vendor.example"), id="no-address"),
        pytest.param(("set", "token", "x"), id="unknown-setting"),
        pytest.param(("set", "insecure_http", "yes"), id="no-boolean"),
        pytest.param(("use", "nobody"), id="use-unknown"),
        pytest.param(("remove", "nobody"), id="remove-unknown"),
        pytest.param(("remove", "../x"), id="remove-a-path"),
        pytest.param(("show",), id="no-gateway"),
    ],
)
def test_usage(vend: Vend, arguments: tuple[str, ...]) -> None:
    said = vend("config", *arguments)
    assert (said.code, said.out) == (2, "")
    assert not vend.files()


def test_plain_http_once_it_is_permitted(vend: Vend) -> None:
    assert vend("config", "set", "insecure_http", "true").code == 0
    assert vend("config", "set", "gateway", "http://10.0.0.1").code == 0
    assert vend("config", "show", "--json").json["gateway"] == "http://10.0.0.1"
    # What a profile permits is for its own gateway.
    assert vend("config", "show", "--gateway", "http://10.0.0.2").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_scripts(vend: Vend, shell: str) -> None:
    said = vend("completion", shell)
    assert said.code == 0
    assert "_VEND_COMPLETE" in said.out
    program = shutil.which(shell)
    if program is not None:
        check = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}[shell]
        subprocess.run([program, *check], input=said.out.encode(), check=True, timeout=20, capture_output=True)


def test_completion_of_an_unknown_shell(vend: Vend) -> None:
    assert vend("completion", "tcsh").code == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [("vend who", "whoami"), ("vend tenant st", "steward"), ("vend lease --dur", "--duration")],
)
def test_what_is_completed(vend: Vend, words: str, expected: str) -> None:
    count = str(len(words.split()) - 1)
    said = vend(env={"_VEND_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count})
    assert expected in said.out.split()
