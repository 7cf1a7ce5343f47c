"""Whether keys can make themselves more than they are: other keys, longer ones, administrators' ones."""

from typing import Final
from urllib.parse import urlencode

from vendor.errors import StoreRefused
from vendor.stores.probe.check import Check, Finding, Verdict, check, failed
from vendor.stores.probe.trial import Trial, summary
from vendor.stores.s3 import Call, Reply, path_of
from vendor.stores.store import STS_VERSION
from vendor.stores.wire import FORM
from vendor.stores.xml import parse_credentials, parse_text

IAM_VERSION: Final = "2010-05-08"


@check("iam-calls", shows="keys make no calls to an AWS-style IAM API", advice="Give leases no iam: actions.")
async def iam_calls(trial: Trial) -> Finding:
    user = f"vendor-{trial.ground.session}"
    calls = [_iam("ListUsers"), _iam("ListPolicies"), _iam("CreateUser", UserName=user)]
    found = await trial.denied(calls)
    if found.verdict is Verdict.FAIL:
        await trial.send(_iam("DeleteUser", UserName=user))
    return found


@check(
    "chain-roles",
    shows="keys do not get other keys from STS",
    advice="Take the lease role out of every trust policy, and sts: actions out of what leases narrow.",
)
async def chain_roles(trial: Trial) -> Finding:
    arn = trial.store.settings.role_arn or "arn:aws:iam::000000000000:role/vendor"
    assume = {"Action": "AssumeRole", "RoleArn": arn, "RoleSessionName": "vendor-probe", "DurationSeconds": "900"}
    forms = (
        ("/", assume),
        (path_of(trial.ground.bucket), assume),  # MinIO takes STS calls on every path
        ("/", {"Action": "GetSessionToken", "DurationSeconds": "900"}),
        ("/", {"Action": "GetFederationToken", "Name": "vendor-probe", "DurationSeconds": "900"}),
    )
    seen = set()
    for path, form in forms:
        reply = await trial.send(_form("sts", form | {"Version": STS_VERSION}, path))
        if reply.fine and _has_keys(reply):
            return failed(f"{form['Action']} gave other keys")
        seen.add(reply.short)
    return await trial.unless_all_is_denied(summary(seen))


@check(
    "bucket-settings",
    shows="keys neither read nor change the settings of a bucket, and make none",
    advice="Compare the role or policy that leases narrow with policies/roles.",
)
async def bucket_settings(trial: Trial) -> Finding:
    path = path_of(trial.ground.bucket)
    reads = [Call("GET", path, ((setting, ""),)) for setting in ("policy", "lifecycle", "notification", "replication")]
    made = f"vendor-{trial.ground.session}"
    found = await trial.denied([*reads, Call("PUT", path_of(made))])
    if found.verdict is Verdict.FAIL:
        await trial.send(Call("DELETE", path_of(made)))
    return found


def _iam(action: str, **members: str) -> Call:
    return _form("iam", {"Action": action, "Version": IAM_VERSION, **members})


def _form(service: str, form: dict[str, str], path: str = "/") -> Call:
    return Call("POST", path, headers={"content-type": FORM}, body=urlencode(form).encode(), service=service)


def _has_keys(reply: Reply) -> bool:
    try:
        parse_credentials(reply.body)
    except StoreRefused:
        return bool(parse_text(reply.body, "SecretAccessKey"))
    return True


CHECKS: Final[tuple[Check, ...]] = (iam_calls, chain_roles, bucket_settings)
