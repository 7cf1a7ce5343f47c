"""Pages that are none, and answers that no browser takes for anything else."""

import httpx2
import pytest

from tests.support.council import Council

HOME = "s3a://cdm-lake/users-general-warehouse/alice/"


@pytest.mark.parametrize(
    "path", ["/v1/tenants", "/v1/users", "/v1/shares", "/v1/shares?with=me", f"/v1/shares?path={HOME}x"]
)
@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=0",
        "limit=501",
        "limit=1000000000",
        "limit=1e2",
        "limit=",
        "limit=%D9%A3",
        "limit=10&limit=20",
        "cursor=",
        "cursor=x",
        "cursor=YQ==",
        "cursor=..%2F",
        "cursor=Kg",
        "cursor=" + "A" * 4000,
        "page=2",
        "cursor=_w",
        "cursor=YQphCg",
    ],
)
def test_pages_that_are_none(unchanged: Council, path: str, query: str) -> None:
    separator = "&" if "?" in path else "?"
    carol = unchanged.person("carol", admin=True)

    assert carol.refusal("GET", f"{path}{separator}{query}") == (400, "invalid_request")


def test_html_is_data(house: Council) -> None:
    carol = house.person("carol", admin=True)
    text = "<script>alert(1)</script>=HYPERLINK(1)"

    answer = carol.call("PATCH", "/v1/tenants/hydro", {"display_name": text})

    assert answer.json()["display_name"] == text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_no_answer_is_cached_and_every_one_has_an_id(house: Council) -> None:
    answers: list[httpx2.Response] = [
        house.person("alice").call("GET", path)
        for path in ("/v1/tenants", "/v1/shares", "/v1/users/alice", "/v1/state")
    ]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert all(answer.headers["x-request-id"] for answer in answers)
