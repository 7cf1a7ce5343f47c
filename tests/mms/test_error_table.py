"""Every refusal there is has a form in every part of the MMS-compatible API."""

import pytest

from vendor import errors
from vendor.doors.mms.errors import ADMIN_REQUIRED, TYPES, Area, ServiceError, translated
from vendor.errors import PolicyTooLarge, VendError


def _made(kind: type[VendError]) -> VendError:
    if kind is PolicyTooLarge:
        return PolicyTooLarge(size=9, limit=1, largest=[], split_possible=False)
    made = kind("what happened")
    made.details |= {"about": "alice"}
    return made


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VendError) and "code" in dir(kind) and "status" in dir(kind)
]


@pytest.mark.parametrize("area", Area)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_refusal_has_a_form(kind: type[VendError], area: Area) -> None:
    refusal = _made(kind)

    found = translated(refusal, area, "kbase")

    assert 400 <= found.status < 600
    assert (found.status >= 500) is (refusal.status >= 500)
    body = found.body()
    if isinstance(found, ServiceError):
        assert body == {"error": found.code, "error_type": TYPES[found.code], "message": refusal.message}
    else:
        assert list(body) == ["detail"]
    assert "alice" not in str(body)
    if refusal.retry_after is not None:
        assert found.headers["retry-after"] == str(refusal.retry_after)
    if found.status == 401:
        assert found.headers["www-authenticate"]


def test_limits_of_an_identity_are_not_taken_for_a_missing_role_of_administrator() -> None:
    found = translated(errors.RoleRequired("This identity is limited."), Area.GROUPS)

    assert found.body() == {"detail": "This identity is limited."}
    assert found.message != ADMIN_REQUIRED
