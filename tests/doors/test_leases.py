"""`POST /v1/leases` as a client sees it: what comes back, and what each kind of bad request is told."""

import json
import time
from collections.abc import Iterator
from datetime import datetime

import jwt
import pytest

from tests.revocation.conftest import Scene
from tests.support.gateways import Api, api, s3_of
from tests.support.sts import allowed
from tests.support.waiting import eventually
from vendor.dev.stack import Stack

HOME = "s3://cdm-lake/users-general-warehouse/alice/"
JSON = {"content-type": "application/json"}


@pytest.fixture
def alice(seaweedfs_stack: Stack) -> Iterator[Api]:
    """Calls as alice."""
    with api(seaweedfs_stack, "alice") as calls:
        yield calls


def test_the_answer_has_the_shape_of_the_contract(alice: Api, seaweedfs_stack: Stack) -> None:
    answer = alice.lease((HOME, "write"), duration=900, audit_context={"job": "spark-7", "reason": "rerun"})
    lease = answer["lease"]

    assert set(answer) == {"lease", "credentials", "endpoint"}
    assert lease["principal"] == "alice"
    assert lease["scope"] == [{"path": HOME, "access": "write", "source": "home"}]
    assert lease["not_granted"] == []
    assert lease["policy"]["bytes"] < lease["policy"]["limit"] == 2048
    assert lease["policy"]["form"] == "session+ceiling"
    assert lease["audit_context"] == {"job": "spark-7", "reason": "rerun"}
    times = [datetime.fromisoformat(lease[name]) for name in ("issued_at", "refresh_after", "expires_at")]
    assert times == sorted(times)
    assert (times[2] - times[0]).total_seconds() == pytest.approx(900, abs=3)
    told = datetime.fromisoformat(answer["credentials"]["expiration"])
    assert 29 <= (times[2] - told).total_seconds() <= 31, "clients are told an end that is a little early"
    assert answer["endpoint"] == {
        "url": seaweedfs_stack.store.site.endpoint,
        "region": "us-east-1",
        "path_style": True,
    }


def test_both_schemes_are_echoed_as_sent(alice: Api) -> None:
    paths = [HOME + "a/", HOME.replace("s3://", "s3a://") + "b"]

    answer = alice.lease(*((path, "read") for path in paths))

    assert [entry["path"] for entry in answer["lease"]["scope"]] == paths


def test_answers_are_never_cached_and_carry_the_request_id(alice: Api) -> None:
    answer = alice.call("POST", "/v1/leases", {}, headers={"x-request-id": "my-request-17"})

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == "my-request-17"
    for forged in ("short", "has blanks in it", "x" * 65):
        again = alice.call("GET", "/v1/whoami", headers={"x-request-id": forged})
        assert again.headers["x-request-id"].startswith("r_")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"scop": []}, "scop", id="unknown-member"),
        pytest.param({"scope": [{"path": HOME, "access": "read", "why": 1}]}, "scope.0.why", id="unknown-inner-member"),
        pytest.param({"scope": []}, "scope", id="empty-scope"),
        pytest.param({"scope": HOME}, "scope", id="scope-is-a-text"),
        pytest.param({"scope": [{"path": HOME}]}, "scope.0.access", id="no-access"),
        pytest.param({"scope": [{"path": HOME, "access": "admin"}]}, "scope.0.access", id="unknown-access"),
        pytest.param({"scope": [{"path": 7, "access": "read"}]}, "scope.0.path", id="path-is-a-number"),
        pytest.param({"duration": "3600"}, "duration", id="duration-is-a-text"),
        pytest.param({"duration": 3600.5}, "duration", id="duration-is-a-fraction"),
        pytest.param({"duration": True}, "duration", id="duration-is-a-flag"),
        pytest.param({"partial": 1}, "partial", id="flag-is-a-number"),
        pytest.param({"store": "../x"}, "store", id="store-name"),
        pytest.param({"audit_context": {"a b": "x"}}, "audit_context.a b", id="context-name"),
        pytest.param({"audit_context": {"job": "x" * 513}}, "audit_context.job", id="context-too-long"),
        pytest.param({"audit_context": {f"k{n}": "x" for n in range(17)}}, "audit_context", id="context-too-many"),
        pytest.param({"audit_context": {"job": 7}}, "audit_context.job", id="context-is-a-number"),
    ],
)
def test_a_malformed_ask_names_the_member(alice: Api, body: dict[str, object], said: str) -> None:
    answer = alice.call("POST", "/v1/leases", body)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert any(member.startswith(said) for member in error["details"]["members"])
    assert said in error["message"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"[]", id="an-array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a-text"),
        pytest.param(b'{"duration": NaN}', id="not-a-number"),
        pytest.param(b'{"duration": 900, "duration": 901}', id="a-member-twice"),
        pytest.param(b'\xef\xbb\xbf{"duration": 900}', id="byte-order-mark"),
        pytest.param(b'{"store": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"store": "\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"scope": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", id="deeply-nested"),
        pytest.param(b'{"duration": ' + b"9" * 5_000 + b"}", id="endless-number"),
    ],
)
def test_what_is_no_json_object_is_refused(alice: Api, content: bytes) -> None:
    assert alice.refusal("POST", "/v1/leases", content=content, headers=JSON) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"content-type": "text/plain"}, 415, "unsupported_media_type", id="no-json"),
        pytest.param({**JSON, "content-encoding": "gzip"}, 415, "unsupported_media_type", id="encoded"),
        pytest.param({"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", id="form"),
    ],
)
def test_what_is_not_declared_as_json(alice: Api, headers: dict[str, str], status: int, code: str) -> None:
    assert alice.refusal("POST", "/v1/leases", content=b"{}", headers=headers) == (status, code)


def test_a_body_over_the_limit_is_refused_declared_or_not(alice: Api) -> None:
    large = json.dumps({"store": "x" * 300_000}).encode()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    assert alice.refusal("POST", "/v1/leases", content=large, headers=JSON) == (413, "too_large")
    assert alice.refusal("POST", "/v1/leases", content=chunks(), headers=JSON) == (413, "too_large")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "cdm-lake/x/",
        "s3n://cdm-lake/x/",
        "S3://cdm-lake/x/",
        "s3://cdm-lake",
        "s3://cdm-lake/",
        "s3:///x/",
        "s3://CDM-Lake/x/",
        "s3://192.168.0.1/x/",
        HOME + "*",
        HOME + "a?b/",
        HOME + "${aws:username}/",
        HOME + "../bob/",
        HOME + "./x/",
        HOME + "a//b/",
        HOME + "%2e%2e/",
        HOME + "a%2Fb/",
        HOME + "a\\b/",
        HOME + "a /",
        HOME + "a./",
        HOME + "a\x00b/",
        HOME + "a\nb/",
        HOME + "\u202eb/",
        HOME + "x" * 1100 + "/",
    ],
)
def test_a_path_that_could_mean_something_else_is_refused(alice: Api, path: str) -> None:
    body = {"scope": [{"path": path, "access": "read"}]}

    assert alice.refusal("POST", "/v1/leases", body) == (400, "invalid_path")


@pytest.mark.parametrize("duration", [0, -1, 1, 19, 43_201, 2**63])
def test_a_duration_outside_the_rules_is_told_the_bounds(alice: Api, duration: int) -> None:
    answer = alice.call("POST", "/v1/leases", {"duration": duration})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_duration")
    assert answer.json()["error"]["details"] == {"minimum": 20, "maximum": 43_200}


def test_an_unknown_store(alice: Api) -> None:
    assert alice.refusal("POST", "/v1/leases", {"store": "other"}) == (404, "unknown_store")


def large(home: str) -> list[dict[str, str]]:
    """A scope that fits no session policy."""
    return [{"path": f"{home}{'x' * 80}{number}/", "access": "write"} for number in range(30)]


def test_a_scope_that_fits_no_session_policy_is_held_by_a_ceiling(seaweedfs_stack: Stack) -> None:
    """For somebody with no other leases, so that there is a slot with room for it."""
    with api(seaweedfs_stack, "carol") as admin:
        scene = Scene(seaweedfs_stack, admin)
        person = scene.person()
        home = f"users-general-warehouse/{scene.name(person)}/"
        answer = person.call("POST", "/v1/leases", {"scope": large(f"s3://cdm-lake/{home}")})
        scene.close()

    assert answer.status_code == 201, answer.text
    assert answer.json()["lease"]["policy"]["form"] == "ceiling"
    s3 = s3_of(answer.json())
    assert allowed(lambda: s3.put_object(Bucket="cdm-lake", Key=f"{home}{'x' * 80}29/y", Body=b""))
    assert not allowed(lambda: s3.put_object(Bucket="cdm-lake", Key=f"{home}y", Body=b""))


def test_without_ceilings_it_is_refused_with_its_size(seaweedfs_stack: Stack) -> None:
    plain = seaweedfs_stack.add_gateway("no-ceilings", VENDOR_STORE_OPERATOR_POLICY="")
    with api(seaweedfs_stack, "alice", url=plain.url) as alice:
        answer = alice.call("POST", "/v1/leases", {"scope": large(HOME)})
    plain.child.stop()

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "policy_too_large")
    assert error["details"]["bytes"] > error["details"]["limit"] == 2048
    assert error["details"]["largest"]


def test_a_short_lease_ends_on_time(juicefs_stack: Stack) -> None:
    """The store's own clock decides; the answer only says what the store said."""
    stack = juicefs_stack
    with api(stack, "alice") as calls:
        answer = calls.lease((HOME, "write"), duration=5)
    s3 = s3_of(answer)
    end = datetime.fromisoformat(answer["lease"]["expires_at"]).timestamp()

    def put() -> bool:
        return allowed(lambda: s3.put_object(Bucket=stack.bucket, Key="users-general-warehouse/alice/x", Body=b""))

    assert put()
    eventually(lambda: not put(), within=15, what="the end of the lease")
    assert abs(time.time() - end) < 3


@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        pytest.param(None, "missing_token", 'Bearer realm="vendor"', id="none"),
        pytest.param("Bearer", "invalid_token", 'error="invalid_token"', id="empty"),
        pytest.param("Basic YTpi", "invalid_token", 'error="invalid_token"', id="basic"),
        pytest.param("Bearer a.b", "invalid_token", 'error="invalid_token"', id="malformed"),
        pytest.param("Bearer UNKNOWNKBASETOKEN", "invalid_token", 'error="invalid_token"', id="unknown-kbase"),
    ],
)
def test_without_a_usable_token(seaweedfs_stack: Stack, authorization: str | None, code: str, challenge: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    with api(seaweedfs_stack, None) as nobody:
        answer = nobody.call("POST", "/v1/leases", {}, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert challenge in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"exp": 1_700_000_000, "iat": 1_699_999_000}, "expired_token", id="expired"),
        pytest.param({"iss": "https://elsewhere.example.org"}, "invalid_token", id="foreign-issuer"),
        pytest.param({"aud": "another-service"}, "invalid_token", id="wrong-audience"),
    ],
)
def test_a_signed_token_that_is_not_for_us(seaweedfs_stack: Stack, changes: dict[str, object], code: str) -> None:
    good = seaweedfs_stack.tokens["alice"]
    claims = jwt.decode(good, options={"verify_signature": False}) | changes
    kid = jwt.get_unverified_header(good)["kid"]
    forged = jwt.encode(claims, seaweedfs_stack.idp.signing_key(), algorithm="RS256", headers={"kid": kid})

    with Api(seaweedfs_stack.gateway.url, forged) as calls:
        answer = calls.call("POST", "/v1/leases", {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert 'error="' in answer.headers["www-authenticate"]
    assert forged not in answer.text


def test_the_life_of_a_renewable_lease(alice: Api, seaweedfs_stack: Stack) -> None:
    first = alice.lease((HOME, "write"), duration=900, renewable_for=86_400)
    lease = first["lease"]["id"]
    assert first["lease"]["renewable_until"] > first["lease"]["expires_at"]

    with Api(seaweedfs_stack.gateway.url, first["lease_token"]) as holder:
        renewed = holder.call("POST", "/v1/leases/renew")
        assert renewed.status_code == 200, renewed.text
        assert renewed.json()["lease"]["id"] == lease
        assert "lease_token" not in renewed.json()
        assert renewed.json()["credentials"] != first["credentials"]
        assert holder.call("GET", f"/v1/leases/{lease}").json()["lease"]["renewals"] == 1
        assert holder.refusal("GET", "/v1/whoami")[0] == 401
        assert holder.refusal("POST", "/v1/leases", {})[0] == 401
        assert holder.refusal("GET", "/v1/leases/l_" + "a" * 20) == (404, "unknown_lease")

        assert lease in {one["id"] for one in alice.call("GET", "/v1/leases?limit=500").json()["leases"]}
        ended = alice.call("DELETE", f"/v1/leases/{lease}")
        assert ended.status_code == 200
        assert ended.json()["revoked"] is True
        assert alice.call("DELETE", f"/v1/leases/{lease}").json() == ended.json()
        assert holder.refusal("POST", "/v1/leases/renew") == (410, "lease_ended")
    assert lease not in {one["id"] for one in alice.call("GET", "/v1/leases?limit=500").json()["leases"]}


def test_a_lease_token_can_end_its_own_lease(alice: Api, seaweedfs_stack: Stack) -> None:
    first = alice.lease((HOME, "read"), renewable_for=3600)
    other = alice.lease((HOME, "read"), renewable_for=3600)

    with Api(seaweedfs_stack.gateway.url, first["lease_token"]) as holder:
        assert holder.refusal("DELETE", f"/v1/leases/{other['lease']['id']}") == (404, "unknown_lease")
        assert holder.call("DELETE", f"/v1/leases/{first['lease']['id']}").json()["revoked"] is True


def test_leases_of_somebody_else(alice: Api, seaweedfs_stack: Stack) -> None:
    lease = alice.lease((HOME, "read"))["lease"]["id"]
    with api(seaweedfs_stack, "bob") as bob, api(seaweedfs_stack, "carol") as carol:
        assert bob.refusal("GET", f"/v1/leases/{lease}") == (404, "unknown_lease")
        assert bob.refusal("DELETE", f"/v1/leases/{lease}") == (404, "unknown_lease")
        assert bob.refusal("GET", "/v1/leases?user=alice") == (403, "role_required")
        assert bob.refusal("DELETE", "/v1/leases?user=alice") == (403, "role_required")
        assert carol.call("GET", f"/v1/leases/{lease}").json()["lease"]["id"] == lease
        assert carol.call("GET", "/v1/leases?user=alice").status_code == 200
        ended = carol.call("DELETE", "/v1/leases?user=alice").json()
    assert lease in {one["id"] for one in ended["leases"]}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=%00", "user=Alice", "state=all", "x=1"])
def test_a_list_that_makes_no_sense(alice: Api, query: str) -> None:
    assert alice.refusal("GET", f"/v1/leases?{query}")[0] == 400
