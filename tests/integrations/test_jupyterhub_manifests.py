"""What deploy/jupyterhub ships is what the hooks do."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from traitlets.config import Config

from vendor.integrations import secrets_of_pods
from vendor.secret import LeaseToken

PLACE = Path(__file__).resolve().parents[2] / "deploy" / "jupyterhub"
TOKEN = "vlt_of-the-lease-without-a-newline"


class Cluster:
    made: Any = None

    async def create_namespaced_secret(self, _namespace: str, body: Any) -> None:
        self.made = body


def test_the_pod_is_as_the_hooks_make_it() -> None:
    secret, pod = yaml.safe_load_all((PLACE / "pod.yaml").read_text())
    cluster = Cluster()
    spawner = SimpleNamespace(pod_name="jupyter-alice", namespace="hub", api=cluster, volumes=[], volume_mounts=[])

    place = asyncio.run(secrets_of_pods.put(spawner, LeaseToken(TOKEN)))

    assert cluster.made == secret
    assert spawner.volumes == pod["spec"]["volumes"]
    (container,) = pod["spec"]["containers"]
    assert spawner.volume_mounts == container["volumeMounts"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert environment["VENDOR_LEASE_TOKEN_FILE"] == environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] == place


def test_the_charts_values_install_the_hooks() -> None:
    values = yaml.safe_load((PLACE / "values.yaml").read_text())
    config = Config(values["hub"]["config"])

    exec(values["hub"]["extraConfig"]["leases"], {"c": config})  # noqa: S102 - as the chart does

    hooks = config.Spawner.pre_spawn_hook.__self__
    assert (hooks.gateway, hooks.renewable_for) == ("https://vendor.example.org", 259200)
    assert config.Spawner.post_stop_hook == hooks.post_stop_hook
