"""From what governance says of a user to the grants that follow from it."""

from vendor.governance.state import Standing
from vendor.policy.grant import Grant
from vendor.policy.layout import Layout


def grants_of(standing: Standing, layout: Layout, *, has_home: bool) -> tuple[Grant, ...]:
    """Return every grant: the home and what every user has, the tenants at the member's level, and what was shared.

    Ends are not looked at: a share that has expired is in the result with its `expires_at`.
    """
    name = standing.subject.name
    home = (*layout.home_grants(name), *layout.system_grants(name)) if has_home else ()
    tenants = (
        grant for tenant, access in standing.tenants.items() for grant in layout.tenant_grants(tenant, access.level)
    )
    return (*home, *tenants, *standing.shares)
