"""The wheel: all that is needed travels in it, and neither side has to carry what only the other one needs."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.utils import canonicalize_name

from tests.deploy.files import TOP
from tests.deploy.installed import Installed

SETTINGS = {
    "VENDOR_PUBLIC_URL": "https://keys.example.org",
    "VENDOR_REDIS_URL": "redis://127.0.0.1:6379/0",
    "VENDOR_ISSUER_KEYS_DIR": "keys",
    "VENDOR_STORE_KIND": "seaweedfs",
    "VENDOR_STORE_ENDPOINT": "http://127.0.0.1:8333",
    "VENDOR_STORE_ROLE_ARN": "arn:aws:iam::000000000000:role/Lease",
}


def test_the_wheel_holds_every_file_of_the_package_and_the_policies(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    package = {str(file.relative_to(TOP)) for file in _files(TOP / "vendor")}
    policies = {f"vendor/_policies/{file.relative_to(TOP / 'policies')}" for file in _files(TOP / "policies")}

    assert len(policies) >= 5
    assert package | policies <= packed
    assert all(name.startswith(("vendor/", "sts_vendor-")) for name in packed)


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.parent.name != "__pycache__"]


def test_the_image_gets_pinned_versions_only(server_install: Installed) -> None:
    lines = (TOP / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    got = {canonicalize_name(each.name): each.version for each in server_install.dependencies}

    assert len(got) > 20
    assert {name: pinned.get(name) for name in got} == got


def test_an_installed_gateway_finds_the_policies_that_it_ships(server_install: Installed) -> None:
    done = server_install.run("vendor", "check-config", "--json", **SETTINGS)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["VENDOR_STORE_KIND"] == "seaweedfs"


def test_an_installed_gateway_says_what_is_wrong(server_install: Installed) -> None:
    done = server_install.run("vendor", "check-config", **{**SETTINGS, "VENDOR_STORE_KIND": "floppy"})

    assert done.returncode == 1
    assert "VENDOR_STORE_KIND" in done.stderr


def test_a_light_install_has_vend_and_nothing_of_the_server(light_install: Installed) -> None:
    helped = light_install.run("vend", "--help")

    assert helped.returncode == 0, helped.stderr
    assert "lease" in helped.stdout
    names = {canonicalize_name(each.name) for each in light_install.dependencies}
    assert not names & {"starlette", "uvicorn", "redis", "boto3", "botocore", "aiohttp", "minio", "structlog", "uvloop"}


@pytest.mark.parametrize("arguments", [("login", "--help"), ("lease", "--help"), ("exec", "--help")])
def test_its_commands_load_without_the_server(light_install: Installed, arguments: tuple[str, ...]) -> None:
    done = light_install.run("vend", *arguments)

    assert done.returncode == 0, done.stderr


def test_the_operators_command_asks_for_what_it_misses(light_install: Installed) -> None:
    done = light_install.run("vendor", "serve")

    assert done.returncode == 2
    assert "sts-vendor[server]" in done.stderr
