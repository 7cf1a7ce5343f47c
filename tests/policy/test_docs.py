"""docs/policies.md says what is so: the sizes are the planner's, and every known deviation of a store is explained."""

from tests.policy.live.deviations import DEVIATIONS
from tests.policy.size_table import DOCUMENT, LIMIT, table, with_table
from vendor.names import TenantName, UserName
from vendor.policy.access import AccessTable
from vendor.policy.grant import Level
from vendor.policy.layout import Layout
from vendor.policy.planner import plan_ceilings, plan_lease_set, plan_session_policy


def test_the_sizes_in_the_document_are_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert table() in text
    assert text == with_table(text), "run: python -m tests.policy.size_table --write"


def test_every_deviation_is_explained() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    for deviation in DEVIATIONS:
        assert f"`{deviation.name}`" in text


def test_every_action_is_explained(access: AccessTable) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    for action in access.listing + access.read + access.write:
        assert f"| `{action}` |" in text


def test_seventeen_prefixes_of_the_shipped_layout_fit_one_policy(access: AccessTable, layout: Layout) -> None:
    for level in Level:
        grants = [*layout.home_grants(UserName("alice"))]
        for number in range(8):
            grants += layout.tenant_grants(TenantName(f"tnt{number:02}"), level)
        assert len(grants) == 18
        assert plan_session_policy(grants, access, LIMIT).bytes <= LIMIT


def test_twenty_tenants_fit_three_leases_and_far_more_fit_ceilings(access: AccessTable, layout: Layout) -> None:
    grants = [
        grant for number in range(100) for grant in layout.tenant_grants(TenantName(f"tenant{number:03}"), Level.WRITE)
    ]

    assert len(plan_lease_set(grants[:40], access, LIMIT)) <= 3
    assert len(plan_ceilings(grants, access)) == 1
