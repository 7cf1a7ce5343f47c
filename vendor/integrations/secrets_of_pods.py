"""The lease token of a server that KubeSpawner starts: in a Secret of its own, mounted as a file.

The spawner brings its API client along; nothing of Kubernetes is imported here.
"""

from typing import Any, Final

from vendor.secret import LeaseToken

FOLDER: Final = "/var/run/secrets/vendor"
FILE: Final = "lease-token"
_VOLUME: Final = "vendor-lease"
_NOT_FOUND, _CONFLICT = 404, 409


def is_kubernetes(spawner: Any) -> bool:
    """Say whether a spawner makes pods."""
    return all(hasattr(spawner, name) for name in ("pod_name", "namespace", "volumes", "volume_mounts", "api"))


async def put(spawner: Any, token: LeaseToken) -> str:
    """Make the Secret and let the pod mount it; return where its file is in the pod."""
    name = _name(spawner)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "vendor"}},
        "type": "Opaque",
        "immutable": True,
        "stringData": {FILE: token.reveal()},
    }
    try:
        await spawner.api.create_namespaced_secret(spawner.namespace, secret)
    except Exception as error:
        if getattr(error, "status", None) != _CONFLICT:
            raise
        # A hub may usually create and delete secrets, and not change them.
        await remove(spawner)
        await spawner.api.create_namespaced_secret(spawner.namespace, secret)
    # Projected with mode 0440 and the pod's fsGroup: the notebook reads it, nobody changes it.
    volume = {"name": _VOLUME, "secret": {"secretName": name, "defaultMode": 0o440}}
    spawner.volumes = [*_others(spawner.volumes), volume]
    spawner.volume_mounts = [
        *_others(spawner.volume_mounts),
        {"name": _VOLUME, "mountPath": FOLDER, "readOnly": True},
    ]
    return f"{FOLDER}/{FILE}"


async def remove(spawner: Any) -> None:
    """Remove the Secret, if it is there."""
    try:
        await spawner.api.delete_namespaced_secret(_name(spawner), spawner.namespace)
    except Exception as error:
        if getattr(error, "status", None) != _NOT_FOUND:
            raise


def _name(spawner: Any) -> str:
    return f"vend-{spawner.pod_name}"[:253].rstrip("-.")


def _others(mounted: Any) -> list[Any]:
    entries = mounted.values() if isinstance(mounted, dict) else mounted or ()
    return [entry for entry in entries if entry.get("name") != _VOLUME]
