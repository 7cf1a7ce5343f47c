"""What an event is looked up by: its kind, the people it is about, its tenant, its lease, its access key.

Pure functions over an event as it was read back.  People and kinds have a stream of the index each; leases and access
keys, of which there are as many as events, share some thousands of them.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vendor.audit.log import Term

BUCKETS: Final = 4096
_USER: Final = "user:"
_TENANT: Final = "tenant:"


def people(event: Mapping[str, Any]) -> set[str]:
    """Return the names of the users that an event is about: who did it, and whom it concerns."""
    acting = event.get("act")
    told = [
        _actor(event),
        acting.get("name") if isinstance(acting, dict) else None,
        *(event.get(name) for name in ("user", "holder", "on_behalf_of")),
        *_named(_USER, event),
    ]
    return {name for name in told if isinstance(name, str) and name}


def tenants(event: Mapping[str, Any]) -> set[str]:
    """Return the tenants that an event is about: as such, as owner or target of a share, or as the source of grants."""
    found = set(_named(_TENANT, event))
    tenant = event.get("tenant")
    if isinstance(tenant, str) and tenant:
        found.add(tenant)
    return found | {source.removeprefix(_TENANT) for source in sources(event) if source.startswith(_TENANT)}


def sources(event: Mapping[str, Any]) -> set[str]:
    """Return why what a lease holds was granted: `home`, `tenant:kbase`, `share:s_…`."""
    return {source for source, _ in _granted(event)}


def leases(event: Mapping[str, Any]) -> set[str]:
    """Return the leases that an event names."""
    lease = event.get("lease")
    return {lease} if isinstance(lease, str) else set()


def access_keys(event: Mapping[str, Any]) -> set[str]:
    """Return the access key ids that an event names."""
    key = event.get("access_key_id")
    return {key} if isinstance(key, str) else set()


def by_kind(kind: str) -> Term:
    """Where the events of a kind are."""
    return Term(f"kind:{kind}")


def by_user(user: str) -> Term:
    """Where the events about a user are."""
    return Term(f"user:{user}")


def by_user_and_kind(user: str, kind: str) -> Term:
    """Where the events of a kind about a user are."""
    return Term(f"user-kind:{user}:{kind}")


def by_tenant(tenant: str) -> Term:
    """Where the events about a tenant are."""
    return Term(f"tenant:{tenant}")


def by_lease(lease: str) -> Term:
    """Where the events of a lease are."""
    return Term(f"lease:{_bucket(lease)}", lease)


def by_access_key(key: str) -> Term:
    """Where the events of an access key are."""
    return Term(f"key:{_bucket(key)}", key)


def terms(event: Mapping[str, Any]) -> Iterator[Term]:
    """Return everything that an event is found by."""
    kind = str(event.get("kind", ""))
    yield by_kind(kind)
    for user in sorted(people(event)):
        yield by_user(user)
        yield by_user_and_kind(user, kind)
    yield from (by_tenant(tenant) for tenant in sorted(tenants(event)))
    yield from (by_lease(lease) for lease in sorted(leases(event)))
    yield from (by_access_key(key) for key in sorted(access_keys(event)))


def uses(event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Return what an event of issued keys made use of: (source, user, level), each once."""
    user = _actor(event)
    if event.get("decision") == "allowed" and user:
        yield from sorted({(source, user, level) for source, level in _granted(event)})


def _actor(event: Mapping[str, Any]) -> str | None:
    actor = event.get("actor")
    name = actor.get("name") if isinstance(actor, dict) else None
    return name if isinstance(name, str) else None


def _granted(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    granted = event.get("granted")
    for one in granted if isinstance(granted, list) else ():
        if isinstance(one, dict) and one.get("source"):
            yield str(one["source"]), str(one.get("access"))


def _named(prefix: str, event: Mapping[str, Any]) -> Iterator[str]:
    """Return the names behind `user:` or `tenant:` where events of shares have them."""
    shares = event.get("shares")
    told = [event.get("owner"), event.get("target"), *(shares.values() if isinstance(shares, dict) else ())]
    yield from (text.removeprefix(prefix) for text in told if isinstance(text, str) and text.startswith(prefix))


def _bucket(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=4).digest(), "big") % BUCKETS
