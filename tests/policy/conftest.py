"""The tables as shipped."""

from pathlib import Path

import pytest

from vendor.policy.access import AccessTable, load_access
from vendor.policy.layout import Layout, load_layout

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="session")
def access() -> AccessTable:
    return load_access(POLICIES / "access.toml")


@pytest.fixture(scope="session")
def layout() -> Layout:
    return load_layout(POLICIES / "layout.toml")
