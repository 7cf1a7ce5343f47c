"""`/oauth/token` and `/oauth/revoke`: RFC 8693 and RFC 7009, with the errors of RFC 6749."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
import redis

from tests.support.gateways import api
from tests.support.issuer import TinyIssuer, tiny_issuer
from vendor.dev.stack import Stack

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
HOME = "s3://cdm-lake/users-general-warehouse/alice/"
FORM = {"content-type": "application/x-www-form-urlencoded"}
Extra = dict[str, Any]


class OAuth:
    """The OAuth doors of one gateway."""

    def __init__(self, stack: Stack, url: str | None = None) -> None:
        self.stack = stack
        self.web = httpx2.Client(base_url=url or stack.gateway.url, trust_env=False, timeout=20)

    def post(self, path: str, form: object, **more: Any) -> httpx2.Response:
        body = urlencode(form, doseq=True)  # type: ignore[arg-type]  # pairs or a mapping
        return self.web.post(path, content=body.encode(), **{"headers": FORM, **more})

    def form(self, user: str = "alice", **extra: object) -> Extra:
        usual = {
            "grant_type": GRANT,
            "subject_token": self.stack.tokens[user],
            "subject_token_type": f"{TYPE}access_token",
        }
        return {name: value for name, value in {**usual, **extra}.items() if value is not None}

    def exchange(self, user: str = "alice", **extra: object) -> dict[str, Any]:
        answer = self.post("/oauth/token", self.form(user, **extra))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        found: dict[str, Any] = answer.json()
        return found

    def lease(self, token: str) -> dict[str, Any]:
        answer = self.web.post("/v1/leases/renew", json={}, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["lease"]
        return found


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error", "error_description", "request_id"}
    assert all(" " <= character <= "~" and character not in '"\\' for character in body["error_description"])
    assert body["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["error"]


@pytest.fixture
def oauth(seaweedfs_stack: Stack) -> Iterator[OAuth]:
    door = OAuth(seaweedfs_stack)
    with door.web:
        yield door


def test_an_identity_token_becomes_a_lease_token(oauth: OAuth) -> None:
    found = oauth.exchange()

    assert set(found) == {"access_token", "issued_token_type", "token_type", "expires_in", "scope", "lease_id"}
    assert found["access_token"].startswith("vlt_")
    assert found["issued_token_type"] == f"{TYPE}access_token"
    assert found["token_type"] == "Bearer"
    assert found["scope"] == "read write"
    assert 86_390 <= found["expires_in"] <= 86_400
    keys = oauth.web.get("/v1/container-credentials", headers={"authorization": found["access_token"]})
    assert keys.status_code == 200
    again = oauth.post("/oauth/token", oauth.form(subject_token=found["access_token"]))
    assert refusal(again) == (400, "invalid_request"), "a lease token is no identity"


@pytest.mark.parametrize("kind", ["access_token", "jwt", "id_token"])
def test_tokens_of_these_types_are_taken(oauth: OAuth, kind: str) -> None:
    assert oauth.exchange(subject_token_type=f"{TYPE}{kind}", requested_token_type=f"{TYPE}access_token")


def test_opaque_tokens_of_kbase_are_taken(oauth: OAuth) -> None:
    token = oauth.stack.kbase.token("bob")
    assert oauth.exchange(subject_token=token)["access_token"]
    wrong = oauth.form(subject_token=token, subject_token_type=f"{TYPE}jwt")
    assert refusal(oauth.post("/oauth/token", wrong)) == (400, "invalid_request")


def test_resource_and_scope_say_what_the_lease_is_for(oauth: OAuth) -> None:
    found = oauth.exchange(resource=[HOME, "s3a://cdm-lake/tenant-general-warehouse/kbase/"], scope="read")
    lease = oauth.lease(found["access_token"])
    assert [(entry["path"], entry["access"]) for entry in lease["scope"]] == [
        (HOME, "read"),
        ("s3a://cdm-lake/tenant-general-warehouse/kbase/", "read"),
    ]
    assert found["scope"] == "read"
    assert oauth.exchange(resource=HOME, scope="write")["scope"] == "read write"
    assert oauth.exchange(resource=HOME, scope="read write")["scope"] == "read write"
    assert oauth.exchange(resource=HOME)["scope"] == "read"


def test_read_without_a_resource_is_reading_all(oauth: OAuth) -> None:
    found = oauth.exchange(scope="read")
    for _ in range(2):  # after a renewal as well
        lease = oauth.lease(found["access_token"])
        assert {entry["access"] for entry in lease["scope"]} == {"read"}
        assert len(lease["scope"]) > 2
    assert found["scope"] == "read"


def test_how_long(oauth: OAuth) -> None:
    found = oauth.exchange(renewable_for="7200", duration="1800")
    assert 7190 <= found["expires_in"] <= 7200
    for name, value in (("renewable_for", "0"), ("renewable_for", "99999999"), ("duration", "1h"), ("duration", "1")):
        answer = oauth.post("/oauth/token", oauth.form(**{name: value}))
        assert refusal(answer) == (400, "invalid_request"), name


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        pytest.param({"grant_type": None}, "invalid_request", id="no-grant-type"),
        pytest.param({"grant_type": "client_credentials"}, "unsupported_grant_type", id="other-grant"),
        pytest.param({"subject_token": None}, "invalid_request", id="no-token"),
        pytest.param({"subject_token": ""}, "invalid_request", id="empty-token"),
        pytest.param({"subject_token": "a.b.c"}, "invalid_request", id="no-jwt"),
        pytest.param({"subject_token_type": None}, "invalid_request", id="no-type"),
        pytest.param({"subject_token_type": f"{TYPE}refresh_token"}, "invalid_request", id="refresh-token"),
        pytest.param({"subject_token_type": f"{TYPE}saml2"}, "invalid_request", id="saml"),
        pytest.param({"requested_token_type": f"{TYPE}refresh_token"}, "invalid_request", id="other-wish"),
        pytest.param({"audience": "https://other.example"}, "invalid_target", id="other-audience"),
        pytest.param({"scope": "openid"}, "invalid_scope", id="unknown-scope"),
        pytest.param({"scope": ""}, "invalid_scope", id="empty-scope"),
        pytest.param({"scope": "read  write"}, "invalid_scope", id="two-blanks"),
        pytest.param({"resource": "https://example.org/"}, "invalid_target", id="no-s3-uri"),
        pytest.param({"resource": "s3://cdm-lake/a*"}, "invalid_target", id="wildcard"),
        pytest.param({"resource": HOME.replace("alice", "bob")}, "invalid_target", id="somebody-elses"),
        pytest.param({"resource": "s3://other/x/"}, "invalid_target", id="other-bucket"),
        pytest.param({"actor_token_type": f"{TYPE}jwt"}, "invalid_request", id="actor-type-alone"),
        pytest.param({"actor_token": "a.b.c"}, "invalid_request", id="actor-without-type"),
        pytest.param({"grant_type": [GRANT, GRANT]}, "invalid_request", id="repeated"),
    ],
)
def test_refusals(oauth: OAuth, extra: Extra, error: str) -> None:
    answer = oauth.post("/oauth/token", oauth.form(**extra))

    assert refusal(answer) == (400, error)
    assert oauth.stack.tokens["alice"] not in answer.text


def test_parameters_come_in_a_form_body(oauth: OAuth) -> None:
    form = oauth.form()
    query = oauth.web.post(f"/oauth/token?{urlencode(form)}")
    assert refusal(query) == (400, "invalid_request")
    assert refusal(oauth.web.post("/oauth/token", json=form)) == (415, "invalid_request")
    assert refusal(oauth.web.post("/oauth/token", content=b"x" * 300_000, headers=FORM)) == (413, "invalid_request")
    assert refusal(oauth.web.post("/oauth/token", content=b"a=%ff", headers=FORM)) == (400, "invalid_request")
    for path in ("/oauth/token", "/oauth/revoke"):
        answer = oauth.web.get(path, headers={"accept": "text/html"})
        assert refusal(answer) == (405, "invalid_request")
        assert answer.headers["allow"] == "POST"


def test_unknown_parameters_are_ignored_as_the_rfc_says(oauth: OAuth) -> None:
    assert oauth.exchange(client_id="hub", foo="bar", audience="vendor")


def test_what_is_away_is_said_so(oauth: OAuth) -> None:
    oauth.stack.valkey.child.freeze()
    try:
        answer = oauth.post("/oauth/token", oauth.form())
    finally:
        oauth.stack.valkey.child.thaw()
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


# Revocation ---------------------------------------------------------------------------------------------------------


def test_a_revoked_token_opens_nothing_any_more(oauth: OAuth) -> None:
    token = oauth.exchange(renewable_for="7200")["access_token"]

    answer = oauth.post("/oauth/revoke", {"token": token, "token_type_hint": "access_token"})

    assert answer.status_code == 200
    assert answer.json()["revoked"] is True
    assert answer.json()["at_latest"]
    keys = oauth.web.get("/v1/container-credentials", headers={"authorization": token})
    assert keys.status_code == 410
    for again in (token, "vlt_forged", f"vlt_{'a' * 20}_{'b' * 43}"):
        assert oauth.post("/oauth/revoke", {"token": again}).status_code == 200, "RFC 7009, 2.2"


def test_what_cannot_be_revoked(oauth: OAuth) -> None:
    identity = oauth.post("/oauth/revoke", {"token": oauth.stack.tokens["alice"]})
    assert refusal(identity) == (400, "unsupported_token_type")
    assert refusal(oauth.post("/oauth/revoke", {})) == (400, "invalid_request")
    assert refusal(oauth.post("/oauth/revoke", [("token", "vlt_a"), ("token", "vlt_b")])) == (400, "invalid_request")


def test_the_metadata_leads_to_the_endpoints(oauth: OAuth) -> None:
    found = oauth.web.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == oauth.stack.gateway.url
    assert found["token_endpoint"] == f"{oauth.stack.gateway.url}/oauth/token"
    assert found["grant_types_supported"] == [GRANT]


# Acting for somebody ------------------------------------------------------------------------------------------------

HUB = """

[[issuer]]
name = "hubs"
url = "{url}"
prefix = "svc."
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["workload"]
max_lease_seconds = 3600

[[issuer.rule]]
name = "hub"
when = [{{ claim = "sub", equals = "hub" }}]
kind = "workload"
as = "svc.hub"
may_act_for = ["dev"]

[[issuer.rule]]
name = "narrow"
when = [{{ claim = "sub", equals = "narrow" }}]
kind = "workload"
as = "svc.narrow"
may_act_for = ["dev"]
scope = [{{ path = "s3://cdm-lake/tenant-general-warehouse/kbase/" }}]
max_lease_seconds = 600

[[issuer.rule]]
name = "other"
kind = "workload"
as = "svc.other"
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[TinyIssuer]:
    with tiny_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def acting(seaweedfs_stack: Stack, hub: TinyIssuer) -> Iterator[OAuth]:
    """A gateway that also trusts the hub, which may act for the users of `dev`."""
    file = seaweedfs_stack.folder.path / "trust-with-hub.toml"
    file.write_text((seaweedfs_stack.folder.path / "trust.toml").read_text() + HUB.format(url=hub.url))
    added = seaweedfs_stack.add_gateway("acting", VENDOR_TRUST_FILE=str(file))
    door = OAuth(seaweedfs_stack, added.url)
    with door.web:
        yield door
    added.child.stop()


def actor(hub: TinyIssuer, sub: str = "hub") -> Extra:
    return {"actor_token": hub.sign(sub=sub), "actor_token_type": f"{TYPE}jwt"}


def events_of(stack: Stack, lease: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(stack.valkey.url, decode_responses=True) as server:
        found = [json.loads(fields["event"]) for _, fields in server.xrange("{vendor}:audit")]
    return [event for event in found if event.get("lease") == lease]


def test_a_hub_acts_for_a_user_and_is_recorded(acting: OAuth, hub: TinyIssuer) -> None:
    found = acting.exchange(resource=HOME, **actor(hub))
    acting.lease(found["access_token"])

    events = events_of(acting.stack, found["lease_id"])
    assert [event["kind"] for event in events] == ["vend.issued", "vend.renewed"]
    for event in events:
        assert event["actor"]["name"] == "alice"
        assert event["act"] == {"name": "svc.hub", "issuer": hub.url, "subject": "hub"}
    assert events[0]["door"] == "oauth"
    plain = acting.exchange()
    assert all("act" not in event for event in events_of(acting.stack, plain["lease_id"]))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("other", id="an-actor-without-the-rule"),
        pytest.param("user", id="a-user-as-actor"),
        pytest.param("self", id="a-hub-for-a-hub"),
        pytest.param("forged", id="a-forged-actor"),
    ],
)
def test_only_actors_that_a_rule_allows(acting: OAuth, hub: TinyIssuer, wrong: str) -> None:
    extra = {
        "other": actor(hub, "other"),
        "user": {"actor_token": acting.stack.tokens["carol"], "actor_token_type": f"{TYPE}jwt"},
        "self": {**actor(hub), "subject_token": hub.sign(sub="other")},
        "forged": {"actor_token": hub.sign(sub="hub")[:-4] + "AAAA", "actor_token_type": f"{TYPE}jwt"},
    }[wrong]
    assert refusal(acting.post("/oauth/token", acting.form(**extra))) == (400, "invalid_request")


def test_the_limits_of_the_actor_hold_as_well(acting: OAuth, hub: TinyIssuer) -> None:
    assert acting.exchange(**actor(hub))["expires_in"] <= 3600


def test_the_scope_of_the_actor_holds_as_well(acting: OAuth, hub: TinyIssuer) -> None:
    """alice may write in `kbase` and at home; what this hub gets for her reads `kbase` and does nothing else."""
    found = acting.exchange(scope="read write", **actor(hub, "narrow"))

    assert found["scope"] == "read"
    assert found["expires_in"] <= 600
    issued = events_of(acting.stack, found["lease_id"])[0]
    assert {entry["path"] for entry in issued["granted"]} == {"s3://cdm-lake/tenant-general-warehouse/kbase/"}
    again = acting.lease(found["access_token"])
    assert {entry["path"] for entry in again["scope"]} == {"s3://cdm-lake/tenant-general-warehouse/kbase/"}
    beyond = acting.post("/oauth/token", acting.form(resource=HOME, **actor(hub, "narrow")))
    assert refusal(beyond) == (400, "invalid_target")


def test_a_disabled_actor_acts_for_nobody(acting: OAuth, hub: TinyIssuer) -> None:
    url = str(acting.web.base_url)
    begun = {"authorization": f"Bearer {acting.exchange(**actor(hub))['access_token']}"}
    with api(acting.stack, "carol", url=url) as carol, api(acting.stack, None, url=url) as holder:
        assert holder.call("GET", "/v1/container-credentials", headers=begun).is_success
        assert carol.call("PATCH", "/v1/users/svc.hub", {"disabled": True}).is_success
        try:
            assert refusal(acting.post("/oauth/token", acting.form(**actor(hub)))) == (400, "invalid_request")
            assert holder.call("POST", "/v1/leases/renew", {}, headers=begun).status_code == 403
            assert holder.call("GET", "/v1/container-credentials", headers=begun).status_code == 403
        finally:
            assert carol.call("PATCH", "/v1/users/svc.hub", {"disabled": False}).is_success
        assert holder.call("GET", "/v1/container-credentials", headers=begun).is_success
        acting.exchange(**actor(hub))


def test_an_actor_makes_nobody_an_administrator(acting: OAuth, hub: TinyIssuer) -> None:
    found = acting.exchange("carol", **actor(hub))
    with api(acting.stack, None, url=str(acting.web.base_url)) as nobody:
        headers = {"authorization": f"Bearer {found['access_token']}"}
        assert nobody.call("GET", "/v1/tenants", headers=headers).status_code == 401
