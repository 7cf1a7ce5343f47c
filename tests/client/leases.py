"""Made-up leases, as a gateway would answer."""

import itertools
import time
from datetime import UTC, datetime
from typing import Any

_numbers = itertools.count(1)


def moment(seconds: float) -> str:
    """Return a time with fractions, so that tests need not wait for whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def lease(life: float = 3600, *, id_: str = "l_1", token: str | None = None, refresh_at: float = 0.5) -> dict[str, Any]:
    """Return the answer to `POST /v1/leases` now, with keys that differ each time."""
    now, number = time.time(), next(_numbers)
    answer: dict[str, Any] = {
        "lease": {
            "id": id_,
            "principal": "alice",
            "store": "default",
            "issued_at": moment(now),
            "expires_at": moment(now + life),
            "renewable_until": None,
            "refresh_after": moment(now + life * refresh_at),
            "scope": [{"path": "s3://b-1/a/", "access": "read", "source": "home"}],
            "not_granted": [],
            "audit_context": {},
        },
        "credentials": {
            "access_key_id": f"AK{number}",
            "secret_access_key": f"sk/secret{number}",
            "session_token": f"st-secret{number}",
            "expiration": moment(now + life),
        },
        "endpoint": {"url": "http://127.0.0.1:9", "region": "us-east-1", "path_style": True},
    }
    if token is not None:
        answer["lease_token"] = token
    return answer
