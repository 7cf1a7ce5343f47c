"""What keys open, and what they must not: objects, by reading, writing, copying and deleting."""

from typing import Final

from vendor.policy.grant import Level
from vendor.secret import SecretKey, SessionToken
from vendor.stores.credentials import Credentials
from vendor.stores.probe.check import Check, Finding, Verdict, check, failed, passed
from vendor.stores.probe.trial import Trial, summary
from vendor.stores.s3 import Call, path_of
from vendor.stores.xml import parse_text

_NOT_ENFORCED: Final = "This store does not enforce session policies as the gateway needs them: use no lease on it."


@check(
    "read-and-write-inside",
    shows="keys read, write and delete below the prefix they are for",
    advice="Compare the role or policy that leases narrow with policies/roles: it must allow what access.toml lists.",
)
async def inside(trial: Trial) -> Finding:
    key = trial.ground.mine + "written"
    for call in (trial.put(key), trial.get(key), trial.delete(key)):
        reply = await trial.send(call)
        if not reply.fine:
            return failed(f"{call.method} was refused with {reply.short}")
    return passed("allowed")


@check(
    "upload-in-parts",
    shows="keys upload in parts below their prefix, list the parts, and can give the upload up",
    advice="Compare the role or policy that leases narrow with policies/roles.",
)
async def in_parts(trial: Trial) -> Finding:
    path = path_of(trial.ground.bucket, trial.ground.mine + "in-parts")
    begun = await trial.send(Call("POST", path, (("uploads", ""),)))
    upload = parse_text(begun.body, "UploadId")
    if not begun.fine or not upload:
        return failed(f"POST was refused with {begun.short}")
    parts = [
        Call("PUT", path, (("partNumber", "1"), ("uploadId", upload)), body=b"part"),
        Call("GET", path, (("uploadId", upload),)),
        Call("DELETE", path, (("uploadId", upload),)),
    ]
    replies = [(call.method, await trial.send(call)) for call in parts]  # all of them: the last one tidies
    refused = [f"{method} was refused with {reply.short}" for method, reply in replies if not reply.fine]
    return failed(refused[0]) if refused else passed("allowed")


@check("read-sibling", shows="keys for mine/ do not open mine2/", advice=_NOT_ENFORCED)
async def sibling(trial: Trial) -> Finding:
    return await trial.denied([trial.get(trial.hello(trial.ground.sibling))])


@check("read-elsewhere", shows="keys do not read what somebody else has", advice=_NOT_ENFORCED)
async def elsewhere(trial: Trial) -> Finding:
    key = trial.hello(trial.ground.theirs)
    return await trial.denied([trial.get(key), Call("HEAD", path_of(trial.ground.bucket, key))])


@check(
    "read-other-case",
    shows="keys for mine/ do not open MINE/",
    advice="The gateway takes no two names that differ only by case; create no such folders beside it.",
    relied_on=False,
)
async def other_case(trial: Trial) -> Finding:
    return await trial.denied([trial.get(trial.hello(trial.ground.other_case))])


@check("write-elsewhere", shows="keys write and delete nothing outside their prefix", advice=_NOT_ENFORCED)
async def write_elsewhere(trial: Trial) -> Finding:
    key = trial.ground.theirs + "written"
    planted = trial.hello(trial.ground.theirs)
    found = await trial.denied([trial.put(key), trial.delete(planted)])
    if found.verdict is Verdict.FAIL:
        await trial.send(trial.delete(key))
        await trial.send(trial.put(planted))
    return found


@check("write-other-tenant", shows="keys write nothing into the folder of a tenant", advice=_NOT_ENFORCED)
async def other_tenant(trial: Trial) -> Finding:
    key = trial.ground.foreign_tenant + trial.ground.run
    found = await trial.denied([trial.put(key)])
    if found.verdict is Verdict.FAIL:
        await trial.send(trial.delete(key))
    return found


@check("write-with-read-keys", shows="keys for reading do not write or delete", advice=_NOT_ENFORCED)
async def read_only(trial: Trial) -> Finding:
    keys = await trial.keys(trial.ground.grant(Level.READ))
    planted = trial.hello(trial.ground.mine)
    found = await trial.denied([trial.put(trial.ground.mine + "read-only"), trial.delete(planted)], keys)
    if found.verdict is Verdict.FAIL:
        await trial.send(trial.put(planted))
    return found


@check("copy-from-elsewhere", shows="keys do not copy what they may not read", advice=_NOT_ENFORCED)
async def copy(trial: Trial) -> Finding:
    source = path_of(trial.ground.bucket, trial.hello(trial.ground.theirs))
    copied = Call(
        "PUT", path_of(trial.ground.bucket, trial.ground.mine + "copy"), headers={"x-amz-copy-source": source}
    )
    return await trial.denied([copied])


@check(
    "dot-segments",
    shows="keys reach nothing elsewhere by a path with '..' in it, plain or encoded",
    advice="Put the edge configuration of deploy/nginx before the store: it refuses such paths.",
)
async def dot_segments(trial: Trial) -> Finding:
    base = path_of(trial.ground.bucket, trial.ground.mine)
    return await trial.denied(
        [Call("GET", f"{base}{dots}/another/hello") for dots in ("..", "%2e%2e", "..%2f..", ".%2e")]
    )


@check("nobody", shows="without keys nothing is read", advice="Remove the bucket's policy or ACL for everybody.")
async def nobody(trial: Trial) -> Finding:
    reply = await trial.s3.send(None, trial.get(trial.hello(trial.ground.mine)))
    return failed("an unsigned GET was allowed") if reply.fine else passed(reply.short)


@check(
    "keys-belong-together",
    shows="a wrong secret, no session token, or another's token makes keys useless",
    advice="The store does not check its own keys: do not use it.",
)
async def belong_together(trial: Trial) -> Finding:
    mine, other = trial.mine, await trial.keys(trial.ground.keeper_grant())
    wrong = [
        Credentials(mine.access_key_id, SecretKey("x" * 40), mine.session_token, mine.expires_at),
        Credentials(mine.access_key_id, mine.secret_key, SessionToken(""), mine.expires_at),
        Credentials(mine.access_key_id, mine.secret_key, other.session_token, mine.expires_at),
        Credentials(mine.access_key_id, other.secret_key, other.session_token, mine.expires_at),
    ]
    seen = set()
    for keys in wrong:
        reply = await trial.send(trial.get(trial.hello(trial.ground.mine)), keys)
        if reply.fine:
            return failed("keys that do not belong together were accepted")
        seen.add(reply.short)
    return await trial.unless_all_is_denied(summary(seen))


@check(
    "presigned-url",
    shows="a presigned URL opens its own object and no other",
    advice="Clients that share links will not work, or open too much; see whether a proxy changes the query.",
)
async def presigned(trial: Trial) -> Finding:
    own, other = (trial.get(trial.hello(place)) for place in (trial.ground.mine, trial.ground.theirs))
    opened = await trial.s3.send_presigned(trial.mine, own)
    if not opened.fine:
        return failed(f"its own object was refused with {opened.short}")
    for reply in (
        await trial.s3.send_presigned(trial.mine, own, instead=other),
        await trial.s3.send_presigned(trial.mine, other),
    ):
        if reply.fine:
            return failed("it opened another object")
    return passed("allowed, and denied for others")


CHECKS: Final[tuple[Check, ...]] = (
    inside,
    in_parts,
    sibling,
    elsewhere,
    other_case,
    write_elsewhere,
    other_tenant,
    read_only,
    copy,
    dot_segments,
    nobody,
    belong_together,
    presigned,
)
