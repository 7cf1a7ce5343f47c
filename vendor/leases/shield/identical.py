"""When two asks are the same: everything that decides the answer is, and everything that the record says of it."""

import hashlib
import hmac
import json
from functools import lru_cache

from vendor.identity.principal import ActedBy, Principal
from vendor.leases.lease import LeaseAsk
from vendor.policy.grant import Ask
from vendor.secret import Proof
from vendor.stores.store import StoreSettings


def may_share(principal: Principal, ask: LeaseAsk) -> bool:
    """Say whether an ask may be answered with keys that were made for an identical one.

    With `renewable_for` each ask is a lease of its own, whose token goes to one asker; a break-glass login is never
    mixed with anything.
    """
    return ask.renewable_for is None and not principal.break_glass


def identity_mark(principal: Principal) -> bytes:
    """Return what tells this identity from all others, whatever token it shows."""
    return _mark(principal.name, str(principal.kind), principal.issuer, principal.subject)


@lru_cache(maxsize=4096)  # asked for at every step of making a lease
def _mark(name: str, kind: str, issuer: str, subject: str) -> bytes:
    return _digest([name, kind, issuer, subject])


def ask_mark(principal: Principal, ask: LeaseAsk, store: StoreSettings) -> bytes:
    """Return what two identical asks have in common, and no two others.

    The store counts with its address and what its keys rest on: another one may stand behind the same name after a
    restart.
    """
    acts_for, acted_by = principal.acts_for, principal.acted_by
    return _digest(
        [
            identity_mark(principal).hex(),
            principal.has_home,
            principal.max_lease_seconds,
            [acts_for.tenant, str(acts_for.access)] if acts_for else None,
            _scope(principal.max_scope),
            [principal.trusted_by, principal.rule],
            _scope(ask.scope),
            [ask.duration, ask.partial, ask.policy, None if ask.at_most is None else str(ask.at_most)],
            _actor(acted_by) if acted_by else None,
            sorted((ask.audit_context or {}).items()),
            [store.name, str(store.profile.kind), store.endpoint, store.public_endpoint, store.sts_endpoint],
            [store.region, store.role_arn, store.policy],
        ]
    )


def name_for(proof: Proof, mark: bytes) -> str:
    """Return the name under which keys for the ask `mark` are kept: it tells nothing, and each token has its own."""
    return hmac.digest(proof.reveal().encode(), b"vendor: name of live keys, version 1" + mark, "sha256").hex()


def _actor(actor: ActedBy) -> list[str | None]:
    return [actor.name, str(actor.kind), actor.issuer, actor.subject, actor.trusted_by, actor.rule]


def _scope(scope: tuple[Ask, ...] | None) -> list[list[str]] | None:
    return None if scope is None else [[ask.path.text, str(ask.level)] for ask in scope]


def _digest(facts: object) -> bytes:
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).digest()
