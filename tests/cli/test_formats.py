"""Each format of a lease, read by the program it is for."""

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from tests.cli.test_lease import BUCKET, HOME, TENANT, s3, through_bash
from tests.cli.vend import Vend
from tests.client.test_answers import LEASE
from vendor.cli import formats
from vendor.cli.formats import Format
from vendor.cli.quoting import Unquotable
from vendor.client.answers import Vended


def lease(**endpoint: Any) -> Vended:
    return Vended.read(
        {**LEASE, "endpoint": {"url": "http://127.0.0.1:8333", "region": "r-1", "path_style": True, **endpoint}}
    )


def test_every_format_ends_its_last_line() -> None:
    for form in Format:
        text = formats.render(lease(), form)
        assert text.endswith("\n")
        assert "sk/secret" in text


def test_fish_and_powershell_and_cmd_set_and_unset_the_same() -> None:
    names = {}
    for form, setting, unsetting in (
        (Format.ENV, r"^export (\w+)=", r"^unset (\w+)$"),
        (Format.FISH, r"^set -gx (\w+) ", r"^set -e (\w+)$"),
        (Format.POWERSHELL, r"^\$Env:(\w+) = ", r"^Remove-Item -ErrorAction Ignore Env:(\w+)$"),
        (Format.CMD, r'^set "(\w+)=.+"$', r'^set "(\w+)="$'),
    ):
        text = formats.render(lease(), form)
        names[form] = (re.findall(setting, text, re.MULTILINE), re.findall(unsetting, text, re.MULTILINE))
        assert sum(map(len, names[form])) == len(text.splitlines())
    assert len({json.dumps(found) for found in names.values()}) == 1
    assert "AWS_PROFILE" in names[Format.ENV][1]


def test_mc() -> None:
    values = through_bash(formats.mc(lease()))
    assert values["MC_HOST_vend"] == "http://AK:sk/secret:st-secret@127.0.0.1:8333"
    with pytest.raises(Unquotable):
        formats.mc(lease(url="http://127.0.0.1:8333/behind/a/path"))


def test_duckdb() -> None:
    text = formats.duckdb(lease(url="https://s3.example"))
    assert "ENDPOINT 's3.example'" in text
    assert "USE_SSL true" in text
    assert "SESSION_TOKEN 'st-secret'" in text


def test_hadoop_and_spark_say_the_same() -> None:
    tree = fromstring(formats.hadoop_xml(lease()))  # noqa: S314 - our own text
    xml = {p.findtext("name"): p.findtext("value") for p in tree}
    lines = [line.split(" ", 1) for line in formats.spark(lease()).splitlines()]
    assert {name.removeprefix("spark.hadoop."): re.sub(r"\\(.)", r"\1", value) for name, value in lines} == xml
    assert xml["fs.s3a.session.token"] == "st-secret"


def test_rclone_and_s3fs() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(formats.rclone(lease()))
    assert dict(parser["vend"])["session_token"] == "st-secret"
    assert json.loads(formats.s3fs(lease()))["token"] == "st-secret"


def run_python(vend: Vend, code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-"],
        input=code,
        env={"PATH": "/usr/bin:/bin", "HOME": str(vend.home), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


READ = f"s3.get_object(Bucket={BUCKET!r}, Key={TENANT + 'hello.txt'!r})['Body'].read().decode()"


def test_the_python_lines_work(alice: Vend) -> None:
    code = alice("env", "--format", "python").out
    assert run_python(alice, code + f"print({READ})")


def test_the_profile_works(alice: Vend) -> None:
    file = alice.home / "credentials"
    file.write_text(alice("env", "-f", "profile").out)
    code = f"import boto3; s3 = boto3.Session(profile_name='vend').client('s3'); print({READ})"
    assert run_python(alice, code, AWS_SHARED_CREDENTIALS_FILE=str(file), AWS_CONFIG_FILE="/dev/null")


def test_the_dotenv_file_works(alice: Vend) -> None:
    text = alice("env", "-f", "dotenv", "--write", f"s3://{BUCKET}/{HOME}").out
    variables = dict(line.split("=", 1) for line in text.splitlines())
    s3(variables).put_object(Bucket=BUCKET, Key=HOME + "dotenv.txt", Body=b"x")


def test_process_prints_what_the_sdk_wants(alice: Vend, tmp_path: Path) -> None:
    said = alice("process", "--read", f"s3://{BUCKET}/{TENANT}")
    assert (said.code, said.err) == (0, "")
    assert set(said.json) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert said.json["Version"] == 1
    # Nothing of a key is left on the disk, whatever the command keeps for itself.
    assert all(said.json["SecretAccessKey"] not in path.read_text() for path in alice.files())
