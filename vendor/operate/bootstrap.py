"""`vendor bootstrap`: install what the gateway needs in its store, once, with an administrator's keys.

The keys are read from a file or the environment, or asked for: never from the command line, where every user of the
machine could read them.  They are used for a few calls and kept nowhere; the gateway needs none.
"""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from vendor.dev.roles import role_document
from vendor.environment import SettingsError
from vendor.errors import VendError
from vendor.leases.lease import DEFAULT_STORE
from vendor.policy.layout import load_layout
from vendor.policy.tables import PolicyFileError
from vendor.secret import SecretKey, SessionToken
from vendor.settings import Settings, load
from vendor.stores.credentials import Credentials
from vendor.stores.installing import Administrator, Done, Step, install, take_over
from vendor.stores.profile import PROFILES, CeilingApi, StoreKind
from vendor.stores.s3 import S3

KEY, SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
UNUSABLE: Final = 2
_BY_HAND: Final = {
    StoreKind.SEAWEEDFS: "the role and its policy are part of the store's own file: policies/roles/seaweedfs/iam.json",
    StoreKind.AWS: "the role and its policy: policies/roles/aws, with the AWS CLI",
}
_UNTIL_REFRESHED: Final = (
    "once a policy is removed, this store refuses all live keys until it reads its policies again: restart it, or wait "
    "for its --refresh-iam-interval"
)
Prompt = Callable[[str], str]


class NoKeys(Exception):
    """There are no administrator's keys to work with."""


def run(
    store: str | None,
    keys_file: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    taking_over: bool = False,
    environment: Mapping[str, str] = os.environ,
    prompt: Prompt = getpass.getpass,
) -> int:
    """Install.  0 when all is there, 1 when the store did not let us, 2 when nothing could be tried."""
    try:
        settings = _settings(store, environment)
        keys = _keys(keys_file, environment, prompt)
        steps = asyncio.run(_install(settings, keys, dry_run=dry_run, taking_over=taking_over))
    except (SettingsError, PolicyFileError, NoKeys) as problem:
        sys.stderr.write("".join(f"vendor: {line}\n" for line in str(problem).splitlines()))
        return UNUSABLE
    except VendError as refusal:
        sys.stderr.write(f"vendor: {refusal.message}\n")
        return 1
    _tell(settings, steps, as_json=as_json)
    return 0


def documents(settings: Settings) -> dict[str, str]:
    """Return the policies that a store needs, as text by name."""
    bucket = load_layout(settings.policies / "layout.toml").bucket
    canned = PROFILES[settings.store_kind].ceilings is CeilingApi.CANNED
    family = "minio" if canned else "seaweedfs"
    wanted: dict[str, str] = {}
    if canned and settings.store_policy is not None:
        wanted[settings.store_policy] = "vendor-lease"
    if settings.store_operator_policy is not None:
        wanted[settings.store_operator_policy] = "vendor-operator"
    return {
        name: json.dumps(role_document(settings.policies, f"{family}/{file}.json", {"BUCKET": bucket}))
        for name, file in wanted.items()
    }


def _settings(store: str | None, environment: Mapping[str, str]) -> Settings:
    known = load(environment).by_store
    name = store or DEFAULT_STORE
    if name not in known:
        raise SettingsError([f"there is no store {name}; known are {', '.join(sorted(known))}"])
    return known[name]


def _keys(file: Path | None, environment: Mapping[str, str], prompt: Prompt) -> Credentials:
    said: Mapping[str, str | None] = environment
    if file is not None:
        try:
            said = dotenv_values(file, interpolate=False, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise NoKeys(f"{file} cannot be read ({type(problem).__name__})") from None
    access_key, secret = said.get(KEY), said.get(SECRET)
    if file is None and not (access_key and secret) and sys.stdin.isatty():
        access_key = prompt("Administrator's access key (not shown): ")
        secret = prompt("Its secret (not shown): ")
    if not access_key or not secret:
        raise NoKeys(f"an administrator's keys are needed: {KEY} and {SECRET}, or --keys-file with both")
    return Credentials(access_key, SecretKey(secret), SessionToken(""), float("inf"))


async def _install(settings: Settings, keys: Credentials, *, dry_run: bool, taking_over: bool) -> list[Step]:
    bucket = load_layout(settings.policies / "layout.toml").bucket
    administrator = Administrator(S3(settings.store_endpoint, settings.store_region), keys)
    try:
        api = PROFILES[settings.store_kind].ceilings
        steps = await install(administrator, api, bucket, documents(settings), dry_run=dry_run)
        if taking_over:
            steps += await take_over(administrator, api, settings.redis_prefix, dry_run=dry_run)
        return steps
    finally:
        await administrator.close()


def _tell(settings: Settings, steps: list[Step], *, as_json: bool) -> None:
    by_hand = _BY_HAND.get(settings.store_kind)
    removing = any(step.done in {Done.REMOVED, Done.TO_REMOVE} for step in steps)
    warning = _UNTIL_REFRESHED if removing and not PROFILES[settings.store_kind].removes else None
    if as_json:
        done = [{"what": step.what, "done": str(step.done)} for step in steps]
        told = {"store": settings.store.name, "endpoint": settings.store_endpoint, "steps": done, "by_hand": by_hand}
        told["warning"] = warning
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return
    for step in steps:
        sys.stdout.write(f"{step.done:15} {step.what}\n")
    if warning:
        sys.stdout.write(f"Mind: {warning}.\n")
    if by_hand is not None:
        sys.stdout.write(f"{'by hand':15} {by_hand}\n")
