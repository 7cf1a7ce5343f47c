"""Turn grants into the smallest document that allows exactly them, or say what does not fit.

Grants come in, a policy goes out; nothing is ever cut off.  Per bucket the document has one statement for listing,
one for what may only be read and one for what may be written, so a prefix is named twice and its actions once.
"""

from collections.abc import Sequence

from vendor.errors import NothingGranted, PolicyTooLarge
from vendor.policy.access import AccessTable
from vendor.policy.document import SessionPolicy, render
from vendor.policy.grant import Grant
from vendor.policy.reach import reaches

__all__ = ["SessionPolicy", "plan_session_policy", "policy_for"]

_SHOWN = 10


def policy_for(grants: Sequence[Grant], access: AccessTable) -> SessionPolicy:
    """Return the document for `grants`, however large.  Raises NothingGranted if there are none."""
    if not grants:
        raise NothingGranted()
    return render(statement for reach in reaches(grants) for statement in reach.statements(access))


def plan_session_policy(grants: Sequence[Grant], access: AccessTable, limit: int) -> SessionPolicy:
    """Return the one document that allows `grants` and nothing else within `limit` bytes.

    Raises NothingGranted without grants, since an empty policy means all rights on most stores, and PolicyTooLarge
    with the largest grants and their bytes.
    """
    policy = policy_for(grants, access)
    if policy.bytes > limit:
        raise too_large(grants, access, policy.bytes, limit)
    return policy


def too_large(grants: Sequence[Grant], access: AccessTable, size: int, limit: int) -> PolicyTooLarge:
    """Return the refusal that names the largest grants, and whether several leases could carry them."""
    weights = sorted(((policy_for([grant], access).bytes, grant) for grant in grants), reverse=True)
    largest = [
        {"path": f"s3://{grant.bucket}/{grant.prefix}", "access": grant.level.value, "bytes": weight}
        for weight, grant in weights[:_SHOWN]
    ]
    return PolicyTooLarge(size=size, limit=limit, largest=largest, split_possible=weights[0][0] <= limit)
