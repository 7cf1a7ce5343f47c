"""Whether keys get anywhere with the administrative API of MinIO and of what derives from it."""

import asyncio
import io
import json
from typing import Any, Final

import urllib3

from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.stores.probe.check import Check, Finding, Verdict, check, failed
from vendor.stores.probe.trial import Trial
from vendor.stores.s3 import Call

ADMIN: Final = "/minio/admin/v3/"
_BLOCK: Final = "Let clients reach the store only through deploy/nginx, and run the probe with --as-client."


@check(
    "make-service-account",
    shows="keys do not make themselves an account that lasts",
    advice=f"Whoever holds a lease can keep all rights of its parent for good. {_BLOCK}",
)
async def service_account(trial: Trial) -> Finding:
    secret = trial.mine.secret_key.reveal()
    body = await asyncio.to_thread(_encrypted, b"{}", secret)  # some 100 ms of Argon2
    reply = await trial.send(Call("PUT", f"{ADMIN}add-service-account", body=body))
    if not reply.fine:
        return await trial.unless_all_is_denied(reply.short)
    account = await asyncio.to_thread(_account, reply.body, secret)
    if account is None:
        trial.left_behind.append("a service account that the probe made and could not read")
        return failed("an account was made")
    try:
        more = await trial.opens(account, trial.ground.theirs)
    finally:
        await _remove(trial, account.access_key_id)
    return failed("an account was made, and it reads what others have" if more else "an account was made")


@check("admin-calls", shows="keys make no administrative calls of MinIO's", advice=_BLOCK)
async def admin_calls(trial: Trial) -> Finding:
    reads = ("info", "list-users", "list-canned-policies", "list-groups", "get-config-kv?key=api", "datausageinfo")
    calls = [_admin("GET", route) for route in reads]
    policy = b'{"Version":"2012-10-17","Statement":[]}'
    name = f"vendor-{trial.ground.session}"
    add = Call("PUT", f"{ADMIN}add-canned-policy", (("name", name),), body=policy)
    found = await trial.denied([*calls, add])
    if found.verdict is Verdict.FAIL:
        await trial.send(Call("DELETE", f"{ADMIN}remove-canned-policy", (("name", name),)))
    return found


@check(
    "reach-admin-door",
    shows="clients do not reach the store's administrative paths at all, encoded or not",
    advice=_BLOCK,
    relied_on=False,
)
async def admin_door(trial: Trial) -> Finding:
    """A store that answers for its own part says so in its own words; an edge, or a store without it, does not."""
    for path in (f"{ADMIN}accountinfo", f"{ADMIN}list-service-accounts", "/minio//admin/v3/accountinfo"):
        for sent in (path, path.replace("admin", "%61dmin")):
            reply = await trial.send(Call("GET", sent))
            if reply.fine:
                return failed(f"GET {path} was answered with {reply.short}")
    return await trial.unless_all_is_denied("denied")


@check(
    "revoke-others",
    shows="keys do not end the keys of others",
    advice=f"On this store whoever holds a lease may end all leases of the same parent. {_BLOCK}",
    relied_on=False,
)
async def revoke_others(trial: Trial) -> Finding:
    # Of a type that no keys have, so that nothing is revoked where it is allowed.
    query = (("tokenRevokeType", f"vendor-{trial.ground.session}"),)
    return await trial.denied([Call("POST", f"{ADMIN}revoke-tokens/builtin", query)])


def _admin(method: str, route: str) -> Call:
    path, _, query = route.partition("?")
    name, _, value = query.partition("=")
    return Call(method, ADMIN + path, ((name, value),) if name else ())


async def _remove(trial: Trial, account: str) -> None:
    """Delete a service account with the keys that made it."""
    reply = await trial.send(Call("DELETE", f"{ADMIN}delete-service-account", (("accessKey", account),)))
    if not reply.fine:
        trial.left_behind.append(f"the service account {account}")


def _encrypted(payload: bytes, secret: str) -> bytes:
    from minio.crypto import encrypt

    return bytes(encrypt(payload, secret))


def _account(body: bytes, secret: str) -> Credentials | None:
    """Return the keys of the account that an admin API made; None if its answer cannot be read."""
    from minio.crypto import decrypt

    try:
        answer = urllib3.HTTPResponse(body=io.BytesIO(body), preload_content=False)
        made: Any = json.loads(decrypt(answer, secret))["credentials"]
        return Credentials(str(made["accessKey"]), SecretKey(str(made["secretKey"])), SessionToken(""), 0.0)
    except (OSError, ValueError, LookupError, TypeError):
        return None


CHECKS: Final[tuple[Check, ...]] = (service_account, admin_calls, admin_door, revoke_others)
