"""700 hostile values through every kind of quotes: each is read back as itself or refused, and none gets out.

Shells and parsers that are installed do the reading; where there is none, a parser written from the rules of the
language does.
"""

import ast
import configparser
import io
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree.ElementTree import fromstring

import dotenv
import pytest

from tests.cli import hostile
from vendor.cli import quoting
from vendor.cli.formats import Format, render_variables
from vendor.cli.quoting import Unquotable

VALUES = hostile.values()


def carried(quote: Callable[[str], str]) -> dict[str, str]:
    """Return the quoted form of every value that the language can carry."""
    quoted = {}
    for value in VALUES:
        try:
            quoted[value] = quote(value)
        except Unquotable:
            continue
    return quoted


def as_variables(quote: Callable[[str], str]) -> tuple[list[str], list[str]]:
    pairs = carried(quote)
    return list(pairs), list(pairs.values())


def run(shell: str, script: str, folder: Path) -> list[str]:
    """Run a script that prints NUL-ended texts, where a file that appears is an escape."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    done = subprocess.run(
        [program],
        input=script.encode(),
        capture_output=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    assert done.returncode == 0
    assert not (folder / "escaped").exists()
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "ksh"])
def test_posix_shells(shell: str, tmp_path: Path) -> None:
    expected, quoted = as_variables(quoting.posix)
    lines = [f"export V{index}={text}" for index, text in enumerate(quoted)]
    lines += [f'printf "%s\\000" "$V{index}"' for index in range(len(quoted))]

    assert run(shell, "\n".join(lines) + "\n", tmp_path) == expected
    assert {value for value in VALUES if value not in expected} == {
        value for value in VALUES if "\0" in value or hostile.BAD_SURROGATE in value
    }


def test_eval_in_bash(tmp_path: Path) -> None:
    """As people do it: the output passes through $(…) and eval."""
    expected, quoted = as_variables(quoting.posix)
    (tmp_path / "out").write_text("".join(f"export V{index}={text}\n" for index, text in enumerate(quoted)), newline="")
    script = 'eval "$(cat out)"\n' + "".join(f'printf "%s\\000" "$V{i}"\n' for i in range(len(quoted)))

    assert run("bash", script, tmp_path) == expected


def test_fish(tmp_path: Path) -> None:
    expected, quoted = as_variables(quoting.fish)
    lines = [f"set -gx V{index} {text}" for index, text in enumerate(quoted)]
    lines += [f'printf "%s\\000" "$V{index}"' for index in range(len(quoted))]

    assert run("fish", "\n".join(lines) + "\n", tmp_path) == expected


def read_fish(text: str) -> str:
    """Read one word as fish does; the rules of its manual on single quotes."""
    assert text[0] == text[-1] == "'"
    word, rest = "", text[1:]
    while rest != "'":
        if rest[0] == "\\" and rest[1] in "\\'":
            word, rest = word + rest[1], rest[2:]
        else:
            assert rest[0] != "'", "the quotes ended early"
            word, rest = word + rest[0], rest[1:]
    return word


def test_fish_by_its_rules() -> None:
    for value, text in carried(quoting.fish).items():
        assert read_fish(text) == value


def read_powershell(text: str) -> str:
    """Read one word as PowerShell's tokenizer does: any two quotes in a row mean the second of them."""
    quotes = "'\u2018\u2019\u201a\u201b"
    assert text[0] in quotes
    word, rest = "", text[1:]
    while True:
        if rest[0] in quotes:
            if len(rest) == 1:
                return word
            assert rest[1] in quotes, "the quotes ended early"
            rest = rest[1:]
        word, rest = word + rest[0], rest[1:]


def test_powershell_by_its_rules() -> None:
    pairs = carried(quoting.powershell)
    for value, text in pairs.items():
        assert read_powershell(text) == value
        assert len(text.splitlines()) <= 1  # it may be evaluated line by line
    assert "x\u2019; Remove-Item *; \u2018" in pairs


def test_powershell(tmp_path: Path) -> None:
    program = shutil.which("pwsh")
    if program is None:
        pytest.skip("there is no pwsh here")
    expected, quoted = as_variables(quoting.powershell)
    lines = [f"$Env:V{index} = {text}" for index, text in enumerate(quoted)]
    lines += [f'[Console]::Write("$Env:V{index}`0")' for index in range(len(quoted))]
    (tmp_path / "x.ps1").write_text("\ufeff" + "\n".join(lines))
    done = subprocess.run(
        [program, "-NoProfile", "-File", str(tmp_path / "x.ps1")], capture_output=True, timeout=120, check=True
    )
    assert done.stdout.decode().split("\0")[:-1] == expected


def read_cmd(line: str, *, delayed: bool, batch: bool) -> dict[str, str]:
    """Run one line as cmd.exe does and return what it sets.  Anything but one whole `set` is an escape.

    The phases, as the shell goes through them: percent signs, then quotes and what is special outside of them, then
    with delayed expansion exclamation marks and carets, then `set`, which takes everything up to the last quote.
    """
    assert not re.search(r"[\r\n\x1a\x00]", line), "the line ends early"
    variables = {"PATH": "C:\\", "COMSPEC": "cmd.exe", "CD": "C:\\"}

    def expanded(text: str, mark: str) -> str:
        told = re.sub(f"{mark}([^{mark}]+){mark}", lambda m: variables.get(m[1].upper(), "" if batch else m[0]), text)
        return told.replace(mark, "") if batch or mark == "!" else told

    line = expanded(line, "%")
    word, quoted, rest = "", False, line
    while rest:
        if rest[0] == '"':
            quoted = not quoted
        elif not quoted and rest[0] == "^":
            rest = rest[1:]
        else:
            assert quoted or rest[0] not in "&|<>()", "another command begins"
        word, rest = word + rest[:1], rest[1:]
    if delayed and "!" in word:
        word = expanded(re.sub(r"\^(.)", r"\1", word), "!")
    found = re.fullmatch(r'set "([^=]+)=(.*)"[^"]*', word)
    assert found, "not one whole assignment"
    return {found[1]: found[2]}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
def test_cmd_by_its_rules(delayed: bool, batch: bool) -> None:
    pairs = carried(quoting.cmd)
    for value, text in pairs.items():
        assert read_cmd(f'set "V={text}"', delayed=delayed, batch=batch) == {"V": value}
        assert len(f"x{text}x".splitlines()) == 1
    assert "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY+=" in pairs
    assert "$(id)" in pairs
    assert "^&|<>()" not in pairs


def test_the_reader_of_cmd_sees_escapes() -> None:
    """A reader that took everything would prove nothing."""
    for value in ('a" & echo x & "', "%PATH%", "a\nb"):
        with pytest.raises(AssertionError):
            assert read_cmd(f'set "V={value}"', delayed=False, batch=True) == {"V": value}
    for value in ("!PATH!", "a!b", "a^!b"):
        with pytest.raises(AssertionError):
            assert read_cmd(f'set "V={value}"', delayed=True, batch=False) == {"V": value}


def in_format(form: Format) -> tuple[list[str], str]:
    """Return the values that a format can carry, and the whole text that `vend env` would print for them."""
    expected: list[str] = []
    lines: list[str] = []
    for value in VALUES:
        try:
            line = render_variables({f"V{len(expected)}": value}, (), form)
        except Unquotable:
            continue
        expected.append(value)
        lines.append(line)
    return expected, "".join(lines)


@pytest.mark.parametrize(("shell", "form"), [("bash", Format.ENV), ("zsh", Format.ENV), ("fish", Format.FISH)])
def test_the_formats_themselves_in_shells(shell: str, form: Format, tmp_path: Path) -> None:
    expected, text = in_format(form)
    shown = "".join(f'printf "%s\\000" "$V{index}"\n' for index in range(len(expected)))
    assert len(expected) >= 500
    assert run(shell, text + shown, tmp_path) == expected


def test_the_formats_themselves_by_rules() -> None:
    for form, least in ((Format.POWERSHELL, 150), (Format.CMD, 30)):
        expected, text = in_format(form)
        lines = text.split("\n")[:-1]
        assert least < len(lines) == len(expected)
        for index, (value, line) in enumerate(zip(expected, lines, strict=True)):
            if form is Format.CMD:
                assert read_cmd(line, delayed=True, batch=True) == {f"V{index}": value}
            else:
                assert line.startswith(f"$Env:V{index} = ")
                assert read_powershell(line.partition(" = ")[2]) == value


def test_dotenv() -> None:
    expected, quoted = as_variables(quoting.dotenv)
    text = "".join(f"V{index}={value}\n" for index, value in enumerate(quoted))

    for interpolate in (False, True):
        read = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=interpolate)
        assert list(read.values()) == expected


def test_profiles() -> None:
    expected, quoted = as_variables(quoting.ini)
    parser = configparser.RawConfigParser()  # what botocore uses
    parser.read_string("[vend]\n" + "".join(f"v{index} = {value}\n" for index, value in enumerate(quoted)))

    assert parser.sections() == ["vend"]
    assert list(dict(parser["vend"]).values()) == expected


def test_sql() -> None:
    connection = sqlite3.connect(":memory:")
    for value, text in carried(quoting.sql).items():
        assert connection.execute(f"SELECT {text}").fetchone() == (value,)
    connection.close()


def read_properties(text: str) -> Mapping[str, str]:
    """Read a file as java.util.Properties does, as far as keys without escapes go."""
    found = {}
    for line in text.split("\n"):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        assert not re.search(r"(?<!\\)(\\\\)*\\$", line), "the line goes on in the next one"
        key, value = re.split(r"[ \t\f]*[=: \t\f][ \t\f]*(?:[=:][ \t\f]*)?", line, maxsplit=1)
        units = re.sub(r"\\u([0-9a-f]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], value)
        found[key] = units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
    return found


def test_properties() -> None:
    expected, quoted = as_variables(quoting.properties)
    text = "".join(f"spark.v{index} {value}\n" for index, value in enumerate(quoted))

    assert text.isascii()
    read = read_properties(text)
    for index, value in enumerate(expected):
        assert read.get(f"spark.v{index}", "") == value
    assert not any("${" in value for value in expected)


READ_PROPERTIES = """
import java.io.*; import java.nio.charset.*; import java.util.*;
class Read {
    public static void main(String[] arguments) throws Exception {
        Properties read = new Properties();
        read.load(new FileInputStream(arguments[0]));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (int i = 0; read.containsKey("spark.v" + i); i++) out.print(read.get("spark.v" + i) + "\\0");
    }
}
"""


def test_properties_as_java_reads_them(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("there is no JDK here")
    expected, quoted = as_variables(quoting.properties)
    (tmp_path / "Read.java").write_text(READ_PROPERTIES)
    (tmp_path / "p").write_text("".join(f"spark.v{index} {value}\n" for index, value in enumerate(quoted)))
    done = subprocess.run(
        [java, "-Xshare:auto", str(tmp_path / "Read.java"), str(tmp_path / "p")],
        capture_output=True,
        timeout=100,
        check=True,
    )
    assert done.stdout.decode().split("\0")[:-1] == expected


def test_xml() -> None:
    expected, quoted = as_variables(quoting.xml)
    tree = fromstring("<c>" + "".join(f"<v>{text}</v>" for text in quoted) + "</c>")  # noqa: S314 - our own text

    assert [element.text or "" for element in tree] == expected
    assert not any("${" in value for value in expected)


def test_mc_takes_it_apart_again() -> None:
    """mc's own pattern for variables with a session token; what it finds is used without decoding."""
    pattern = re.compile(r"^(https?://)(.*?):(.*?):(.*)@(.*?)$")
    for value, text in carried(quoting.mc_host_part).items():
        if "@" in value:
            continue  # refused in the access key; fine in the others, of which the last @ is taken
        found = pattern.fullmatch(f"https://AK:{text}:{text}@host:9000")
        assert found is not None
        assert found.groups() == ("https://", "AK", value, value, "host:9000")
    found = pattern.fullmatch("https://AK:s@c:t@k@host:9000")
    assert found is not None
    assert found.groups()[2:] == ("s@c", "t@k", "host:9000")


def test_python() -> None:
    for value in VALUES:
        assert ast.literal_eval(ascii(value)) == value


def test_keys_as_stores_make_them_fit_everywhere() -> None:
    for key in (
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCY+=",
        "eyJhbGciOiJI.eyJz_dWIi-A.c2ln",
        "IQoJb3Jp//////////wEa==",
    ):
        for quote in (
            quoting.posix,
            quoting.fish,
            quoting.powershell,
            quoting.cmd,
            quoting.dotenv,
            quoting.ini,
            quoting.sql,
            quoting.xml,
            quoting.mc_host_part,
        ):
            assert key in quote(key)
        assert read_properties(f"k {quoting.properties(key)}")["k"] == key
