"""What a principal may have at most, whatever is granted to it: for those who resolve grants and plan leases.

Pure, like everything about grants.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from vendor.errors import InvalidRequest
from vendor.identity.principal import Principal
from vendor.policy.grant import Ask, Grant

REASON = "reason"
_MIN_REASON = 8
_MAX_REASON = 500


def within(grants: Iterable[Grant], most: Sequence[Ask] | None) -> tuple[Grant, ...]:
    """Return what of `grants` lies inside `most`, at the lesser of the two levels.  None is no limit."""
    if most is None:
        return tuple(grants)
    return tuple(piece for grant in grants for limit in most for piece in _common(grant, limit))


def stated_reason(principal: Principal, audit_context: Mapping[str, object] | None) -> str | None:
    """Return the reason for a break-glass lease, None for other logins.  Raises InvalidRequest if it is missing."""
    if not principal.break_glass:
        return None
    reason = (audit_context or {}).get(REASON)
    if not isinstance(reason, str) or not _MIN_REASON <= len(reason.strip()) <= _MAX_REASON:
        raise InvalidRequest(
            f"A break-glass lease needs audit_context.{REASON}, of {_MIN_REASON} to {_MAX_REASON} characters.",
            remedy=f'Say why in the request: {{"audit_context": {{"{REASON}": "…"}}}}.',
            details={"member": f"audit_context.{REASON}"},
        )
    return reason.strip()


def _common(grant: Grant, limit: Ask) -> Iterator[Grant]:
    """The part that a grant and a limit share: the deeper of two folders when one lies in the other."""
    if grant.bucket != limit.path.bucket:
        return
    level = grant.level.at_most(limit.level)
    if grant.prefix.startswith(limit.path.prefix):  # a limit is its folder and the exact key, as every ask
        yield Grant(grant.bucket, grant.prefix, level, grant.source, grant.with_key, grant.expires_at)
    elif limit.path.prefix.startswith(grant.prefix):
        yield Grant(grant.bucket, limit.path.prefix, level, grant.source, with_key=True, expires_at=grant.expires_at)
