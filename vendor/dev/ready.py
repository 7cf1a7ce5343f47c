"""The ready file: a contract that scripts rely on.  One JSON object, written when everything answers, mode 0600."""

import json
import os
from pathlib import Path
from typing import Any

from vendor.dev.folder import write_private
from vendor.dev.seed import TENANTS
from vendor.dev.stack import Stack
from vendor.dev.users import PEOPLE

STS_ROLE_ARN = "arn:aws:iam::000000000000:role/vendor"
"""The ARN that the gateway's own STS door takes."""


def ready_document(stack: Stack) -> dict[str, Any]:
    """Return everything a script needs to know about a running stack, secrets included."""
    site = stack.store.site
    return {
        "gateway": stack.gateway.url,
        "store": {
            "kind": site.kind,
            "endpoint": site.endpoint,
            "region": site.region,
            "bucket": site.bucket,
            "admin": {"access_key": site.admin.access_key, "secret_key": site.admin.secret_key},
        },
        "redis": stack.valkey.url,
        "issuer": stack.idp.issuer,
        "kbase": stack.kbase.url,
        "users": {
            person.name: {"token": stack.tokens[person.name], "kbase_token": stack.kbase.token(person.name)}
            for person in PEOPLE
        },
        "tenants": list(TENANTS),
        "role_arn": STS_ROLE_ARN,
        "issuer_key": stack.idp.signing_key(),
        "state": str(stack.folder.path),
        "env": dict(stack.gateway.settings),
        "pid": os.getpid(),
    }


def write_ready_file(file: Path, stack: Stack) -> None:
    """Write the file at once and whole; a script that waits for it never sees half of it."""
    write_private(file, json.dumps(ready_document(stack), indent=1))
