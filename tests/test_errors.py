"""Every refusal has the code and status of the API's table, and says what to do."""

import inspect

import pytest

from vendor import errors
from vendor.errors import Unauthenticated, Unavailable, VendError

TABLE = {
    400: {"invalid_request", "invalid_path", "invalid_name", "invalid_duration"},
    401: {"missing_token", "invalid_token", "expired_token"},
    403: {"role_required", "scope_not_granted", "not_owner", "not_steward", "nothing_granted", "invalid_name"},
    404: {"unknown_tenant", "unknown_user", "unknown_lease", "unknown_event", "unknown_share", "unknown_store"},
    409: {"already_exists", "conflict", "last_steward"},
    410: {"lease_ended"},
    412: {"stale_revision"},
    413: {"too_large"},
    415: {"unsupported_media_type"},
    422: {"policy_too_large"},
    429: {"too_many_requests"},
    502: {"store_refused"},
    503: {"store_unavailable", "identity_provider_unavailable", "state_unavailable", "audit_unavailable"},
}
FINAL = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, VendError) and "code" in vars(found)
]


def test_the_table_is_complete_and_has_nothing_else() -> None:
    found: dict[int, set[str]] = {}
    for error in FINAL:
        found.setdefault(error.status, set()).add(error.code)

    assert found == TABLE


@pytest.mark.parametrize("kind", [kind for kind in FINAL if issubclass(kind, Unavailable)], ids=lambda kind: kind.code)
def test_what_passes_by_itself_says_when_to_try_again(kind: type[Unavailable]) -> None:
    error = kind("It is away.")

    assert error.retry_after == 5
    assert error.remedy
    assert str(error) == "It is away."


def test_a_missing_token_is_challenged_without_an_error_code() -> None:
    assert [kind.code for kind in FINAL if issubclass(kind, Unauthenticated) and kind.challenge is None] == [
        "missing_token"
    ]
