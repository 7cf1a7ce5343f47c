"""Read what `deploy/` and `compose.yaml` say, the way Docker does."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[2]
COMPOSE = TOP / "compose.yaml"
DOCKERFILE = TOP / "deploy" / "Dockerfile"
FOLDER = TOP / "deploy" / "compose"
MINIO_ENV = FOLDER / "minio.env"

_VARIABLE = re.compile(r"\$\{([A-Z_]+)(:?)-([^}]*)\}")


def compose(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return compose.yaml with its variables filled in from `environment`."""
    tree: dict[str, Any] = _filled(yaml.safe_load(COMPOSE.read_text("utf-8")), environment or {})
    return tree


def _filled(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return _VARIABLE.sub(lambda found: _value(found, environment), node)
    if isinstance(node, list):
        return [_filled(item, environment) for item in node]
    if isinstance(node, dict):
        return {key: _filled(value, environment) for key, value in node.items()}
    return node


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    name, empty_too, default = found.groups()
    value = environment.get(name)
    return default if value is None or (empty_too and not value) else value


STACK_SECRETS = frozenset(Path(secret["file"]).name for secret in compose()["secrets"].values())


def minio_environment() -> dict[str, str]:
    """Return what `--env-file deploy/compose/minio.env` sets."""
    lines = [line for line in MINIO_ENV.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", DOCKERFILE.read_text("utf-8"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines) if name]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets, its PATH aside."""
    pairs = [pair.split("=", 1) for name, rest in instructions() if name == "ENV" for pair in rest.split()]
    return {name: value for name, value in pairs if name != "PATH"}


def image_command() -> list[str]:
    """Return what the image runs."""
    said = dict(instructions())
    return [*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])]


def image_health_check() -> list[str]:
    """Return the command of the image's health check."""
    command: list[str] = json.loads(dict(instructions())["HEALTHCHECK"].partition(" CMD ")[2])
    return command


def unpack_secrets(into: Path, environment: Mapping[str, str]) -> Path:
    """Make secrets and unpack them as docs/deploy.md says, and return their folder."""
    made = subprocess.run(
        [sys.executable, FOLDER / "make_secrets.py"], env=dict(environment), stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-xpC", into], input=made.stdout, check=True)
    return into / "secrets"
