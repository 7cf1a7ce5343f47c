"""What a new stack holds: two tenants, their members, and one object in every home and tenant.

Governance is seeded through the gateway's own API, as the administrator carol.  Repeat is fine.

    kbase   alice reads and writes and is its steward, bob reads
    hydro   carol alone reads and writes
"""

from collections.abc import Mapping
from typing import Any

import httpx2

from vendor.dev.store import StoreSite
from vendor.dev.users import ALICE, BOB, CAROL, PEOPLE
from vendor.dev.web import client
from vendor.names import TenantName, UserName
from vendor.policy.layout import Layout

KBASE, HYDRO = TenantName("kbase"), TenantName("hydro")
TENANTS = (KBASE, HYDRO)
OBJECT = "hello.txt"

_NAMES = {KBASE: "KBase", HYDRO: "Hydrology"}
_MEMBERS = {KBASE: {ALICE: "read_write", BOB: "read_only"}, HYDRO: {CAROL: "read_write"}}
_STEWARDS = {KBASE: ALICE, HYDRO: CAROL}


class SeedError(RuntimeError):
    """The gateway did not accept a part of the seed."""


def seed_governance(gateway: str, admin_token: str) -> None:
    """Create users, tenants, members and stewards."""
    with client(gateway, token=admin_token) as web:
        for person in PEOPLE:
            body = {"display_name": person.display_name, "email": person.email}
            _put(web, f"/v1/users/{person.name}", body, may_exist=True)
        for tenant in TENANTS:
            _put(web, f"/v1/tenants/{tenant}", {"display_name": _NAMES[tenant]})
            for person, access in _MEMBERS[tenant].items():
                _put(web, f"/v1/tenants/{tenant}/members/{person.name}", {"access": access})
            _put(web, f"/v1/tenants/{tenant}/stewards/{_STEWARDS[tenant].name}", {})


def seed_objects(site: StoreSite, layout: Layout) -> None:
    """Put `hello.txt` into every home and every tenant's folders."""
    s3 = site.client()
    for greeted, key in _objects(layout).items():
        s3.put_object(Bucket=site.bucket, Key=greeted, Body=f"Hello from {key}.\n".encode(), ContentType="text/plain")


def _objects(layout: Layout) -> dict[str, str]:
    """Every object's key, with what it greets from."""
    homes = {
        home.prefix(UserName(person.name)) + OBJECT: f"the home of {person.name}"
        for home in layout.homes.values()
        for person in PEOPLE
    }
    tenants = {
        folder.prefix(tenant) + OBJECT: f"the tenant {tenant}"
        for folder in layout.tenants.values()
        for tenant in TENANTS
    }
    return homes | tenants


def _put(web: httpx2.Client, path: str, body: Mapping[str, Any], *, may_exist: bool = False) -> None:
    answer = web.put(path, json=dict(body))
    if answer.is_success or (may_exist and answer.status_code == 409):
        return
    raise SeedError(f"PUT {path} was answered with {answer.status_code}: {answer.text[:500]}")
