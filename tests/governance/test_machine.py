"""Random people do random things to a real gateway, and a small model says what should come of it.

After every request the answer, the whole state, everybody's standing and the audit events are held against the model.
The number of requests is 300; `VENDOR_TEST_STEPS=2000` makes it more.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.governance.model import ADMINS, HOMES, Model, ModelShare, ModelTenant, ModelUser, Refusal
from tests.governance.replay import Replay, canonical
from tests.support.council import Council, Person
from vendor.audit.trail import stream_key
from vendor.database import Database
from vendor.governance.keys import Keys
from vendor.governance.state import Governance, Subject
from vendor.names import UserName
from vendor.secret import Secret

STEPS = int(os.environ.get("VENDOR_TEST_STEPS", "300"))
STEPS_AT_ONCE = 50
TIMES = ("first_seen", "created_at", "updated_at", "assigned_at")

PEOPLE = ("alice", "bob", "dave", *sorted(ADMINS))
NAMES = (*PEOPLE, "zed")  # who never signs in
# Of `hyd` and `hydro`, and of `kbase` and `kbasero`, only one can be.

whos = st.sampled_from(("alice", "alice", "bob", "dave", "carol", "carol", "wanda"))
officials = st.sampled_from(("carol", "carol", "wanda", "alice"))
users = st.sampled_from(NAMES)
tenants = st.sampled_from(("kbase", "kbase", "kbase", "hydro", "hydro", "hyd", "kbasero"))
rarely = st.sampled_from((True, False, False, False))
levels = st.sampled_from(("read", "write"))
accesses = st.sampled_from(("read_only", "read_write"))
ends = st.sampled_from((None, None, "2999-01-01T00:00:00Z", "2999-06-01T12:30:00Z"))
matches = st.sampled_from(("none", "none", "none", "fresh", "stale"))
texts = st.sampled_from((None, "one", "zwei ü", "@rev", "null"))
paths = st.builds(
    "{}://cdm-lake/{}{}/{}".format,
    st.sampled_from(("s3", "s3a")),
    st.just(HOMES[0]),
    st.sampled_from(("alice", "bob", "zed")),
    st.sampled_from(("", "a", "a/", "a/b/", "a b", "a/bc")),
) | st.builds(
    "s3a://cdm-lake/tenant-{}-warehouse/{}/{}".format,
    st.sampled_from(("general", "sql")),
    st.sampled_from(("kbase", "hydro")),
    st.sampled_from(("", "open", "open/x")),
)
targets = st.lists(
    st.sampled_from([*(f"user:{name}" for name in NAMES), "tenant:kbase", "tenant:hydro", "everyone"]),
    min_size=1,
    max_size=3,
    unique=True,
).map(lambda found: sorted(found, key=lambda target: ("user", "tenant", "everyone").index(target.split(":")[0])))


class Standings:
    """Reads standings as a vend does."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._database = Database.open(Secret(url))
        self._governance = Governance(self._database, Keys(), stream_key(Keys().root))

    def shared_with(self, user: str) -> set[tuple[str, str]]:
        standing = self._loop.run_until_complete(self._governance.standing(Subject(UserName(user))))
        return {(grant.prefix, str(grant.level)) for grant in standing.shares}

    def close(self) -> None:
        self._loop.run_until_complete(self._database.close())
        self._loop.close()


class Machine(RuleBasedStateMachine):
    """The requests."""

    council: ClassVar[Council]
    standings: ClassVar[Standings]
    taken: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.council.empty()
        self.model = Model()
        self.files: dict[str, list[dict[str, Any]]] = {}

    @initialize()
    def found(self) -> None:
        """Begin with some people in two tenants, so that most requests have something to be about."""
        self.put_user("carol", "alice", "Alice", None)
        self.put_user("carol", "bob", None, "bob@example.org")
        self.put_user("carol", "dave", None, None)
        for name, member, other in (("kbase", "alice", "bob"), ("hydro", "dave", "alice")):
            self.put_tenant("carol", name, None, "none")
            self.set_member("carol", name, member, "read_write", "none")
            self.set_member("carol", name, other, "read_only", "none")
            self.add_steward("wanda", name, member, "none")
        home, everybody = "s3a://cdm-lake/users-general-warehouse/alice/", ["user:bob", "tenant:kbase", "everyone"]
        self.share("alice", f"{home}a/", everybody, "write", None, "none")
        self.share("dave", "s3a://cdm-lake/tenant-sql-warehouse/hydro/open", ["tenant:kbase"], "read", None, "none")

    def person(self, name: str) -> Person:
        return self.council.person(name, admin=name in ADMINS)

    def match(self, choice: str, found: int) -> tuple[int | None, dict[str, str]]:
        """A revision for `If-Match`, and the header."""
        if choice == "none":
            return None, {}
        revision = found if choice == "fresh" else found + 1
        return revision, {"if-match": f'"{revision}"'}

    def holds(self, answer: httpx2.Response, status: int, expected: Callable[[], Any]) -> Any:
        """Hold an answer against what the model says: that status, or a Refusal.  Returns the model's own answer."""
        type(self).taken += 1
        result, code = None, None
        try:
            result = expected()
        except Refusal as refusal:
            status, code = refusal.status, refusal.code
        assert answer.status_code == status, answer.text
        assert code is None or answer.json()["error"]["code"] == code, answer.text
        self.look()
        return result

    def look(self) -> None:
        """Hold the whole state against the model, and against the events."""
        answer = self.person("carol").call("GET", "/v1/state")
        if answer.status_code == 403:  # carol is disabled; somebody else looks
            answer = self.person("wanda").call("GET", "/v1/state")
            self.model.know("carol")
            self.model.know("wanda")
        else:
            self.model.know("carol")
        if answer.status_code == 403:
            return
        header, *lines, _ = [json.loads(line) for line in answer.text.splitlines()]
        assert canonical(lines, *TIMES) == canonical(self.model.lines(), *TIMES)
        assert header["revision"] == self.model.rev
        events = self.council.events()
        assert canonical(Replay(self.files).take(events).lines()) == canonical(lines)
        revisions = [int(event["_revision"]) for event in events if event["_revision"]]
        assert revisions == sorted(revisions)
        assert set(revisions) == set(range(1, self.model.rev + 1))

    @rule(who=whos)
    def whoami(self, who: str) -> None:
        answer = self.person(who).ok("GET", "/v1/whoami")
        self.model.know(who)
        mine = {name: tenant.members[who] for name, tenant in self.model.tenants.items() if who in tenant.members}
        assert answer["tenants"] == mine
        assert answer["disabled"] is self.model.users[who].disabled
        assert self.standings.shared_with(who) == self.model.shared_with(who)
        type(self).taken += 1

    @rule(who=officials, user=users, display_name=texts, email=st.sampled_from((None, "x@example.org")))
    def put_user(self, who: str, user: str, display_name: str | None, email: str | None) -> None:
        answer = self.person(who).call("PUT", f"/v1/users/{user}", {"display_name": display_name, "email": email})
        self.holds(answer, 201, lambda: self.model.put_user(who, user, display_name, email))

    @rule(
        who=officials,
        user=users,
        said=st.fixed_dictionaries({}, optional={"display_name": texts, "disabled": rarely}),
        match=matches,
    )
    def patch_user(self, who: str, user: str, said: dict[str, Any], match: str) -> None:
        found = self.model.users.get(user)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("PATCH", f"/v1/users/{user}", said, headers=headers)
        self.holds(answer, 200, lambda: self.model.patch_user(who, user, said, wanted))

    @rule(who=officials, user=st.sampled_from(("zed", "zed", "bob", "dave", "alice")), force=rarely, match=matches)
    def delete_user(self, who: str, user: str, force: bool, match: str) -> None:
        found = self.model.users.get(user)
        wanted, headers = self.match(match, found.rev if found else 7)
        query = "?force=true" if force else ""
        answer = self.person(who).call("DELETE", f"/v1/users/{user}{query}", headers=headers)
        self.holds(answer, 204, lambda: self.model.delete_user(who, user, wanted, force=force))

    @rule(who=officials, name=tenants, display_name=texts, match=matches)
    def put_tenant(self, who: str, name: str, display_name: str | None, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 0)
        said = {"display_name": display_name}
        answer = self.person(who).call("PUT", f"/v1/tenants/{name}", said, headers=headers)
        created = 200 if found else 201
        self.holds(answer, created, lambda: self.model.put_tenant(who, name, dict(said), wanted))

    @rule(
        who=whos,
        name=tenants,
        said=st.fixed_dictionaries({}, optional={"display_name": texts, "organization": texts}),
        match=matches,
    )
    def patch_tenant(self, who: str, name: str, said: dict[str, str | None], match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("PATCH", f"/v1/tenants/{name}", said, headers=headers)
        self.holds(answer, 200, lambda: self.model.patch_tenant(who, name, said, wanted))

    @rule(who=officials, name=st.sampled_from(("kbase", "hydro", "hyd", "hyd", "kbasero")), match=matches)
    def delete_tenant(self, who: str, name: str, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("DELETE", f"/v1/tenants/{name}", headers=headers)
        self.holds(answer, 204, lambda: self.model.delete_tenant(who, name, wanted))

    @rule(who=whos, name=tenants, user=users, access=accesses, match=matches)
    def set_member(self, who: str, name: str, user: str, access: str, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        body = {"access": access}
        answer = self.person(who).call("PUT", f"/v1/tenants/{name}/members/{user}", body, headers=headers)
        self.holds(answer, 200, lambda: self.model.set_member(who, name, user, access, wanted))

    @rule(who=whos, name=tenants, user=users, match=matches)
    def remove_member(self, who: str, name: str, user: str, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("DELETE", f"/v1/tenants/{name}/members/{user}", headers=headers)
        self.holds(answer, 204, lambda: self.model.remove_member(who, name, user, wanted))

    @rule(who=officials, name=tenants, user=users, match=matches)
    def add_steward(self, who: str, name: str, user: str, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("PUT", f"/v1/tenants/{name}/stewards/{user}", {}, headers=headers)
        self.holds(answer, 200, lambda: self.model.add_steward(who, name, user, wanted))

    @rule(who=whos, name=tenants, user=users, force=st.booleans(), match=matches)
    def remove_steward(self, who: str, name: str, user: str, force: bool, match: str) -> None:
        found = self.model.tenants.get(name)
        wanted, headers = self.match(match, found.rev if found else 7)
        query = "?force=true" if force else ""
        answer = self.person(who).call("DELETE", f"/v1/tenants/{name}/stewards/{user}{query}", headers=headers)
        self.holds(answer, 204, lambda: self.model.remove_steward(who, name, user, wanted, force=force))

    @rule(who=whos, path=paths, to=targets, access=levels, expires_at=ends, match=matches)
    def share(self, who: str, path: str, to: list[str], access: str, expires_at: str | None, match: str) -> None:
        owner = "user:" if HOMES[0] in path else "tenant:"
        wanted, headers = self.match(match, self.model.by_revision.get(owner + path.split("/")[4], 0))
        kinds = {"user": "users", "tenant": "tenants"}
        body: dict[str, Any] = {"path": path, "access": access, "expires_at": expires_at}
        body["with"] = {
            many: [name[len(one) + 1 :] for name in to if name.startswith(one)] for one, many in kinds.items()
        }
        body["with"]["everyone"] = "everyone" in to
        answer = self.person(who).call("POST", "/v1/shares", body, headers=headers)
        ids = self.holds(answer, 201, lambda: self.model.create_share(who, path, to, access, expires_at, wanted))
        if ids:
            assert [share["id"] for share in answer.json()["shares"]] == ids

    @rule(who=whos, pick=st.integers(0, 10**6), match=matches)
    def unshare(self, who: str, pick: int, match: str) -> None:
        shares = sorted(self.model.shares) or ["s_aaaaaaaaaaaaaaaaaaaa"]
        share = shares[pick % len(shares)]
        found = self.model.shares.get(share)
        wanted, headers = self.match(match, found.rev if found else 7)
        answer = self.person(who).call("DELETE", f"/v1/shares/{share}", headers=headers)
        self.holds(answer, 204, lambda: self.model.delete_share(who, share, wanted))

    @rule(drop=st.booleans(), pick=st.integers(0, 10**6))
    def import_state(self, drop: bool, pick: int) -> None:
        """Import what is there, or all but one share."""
        carol = self.person("carol")
        answer = carol.call("GET", "/v1/state")
        self.model.know("carol")
        if answer.status_code == 403:
            return
        header, *lines, end = [json.loads(line) for line in answer.text.splitlines()]
        if drop and self.model.shares:
            share = sorted(self.model.shares)[pick % len(self.model.shares)]
            gone = self.model.shares.pop(share)
            lines = [line for line in lines if (line.get("path"), line.get("with")) != (gone.path, gone.target)]
            end["shares"] -= 1
        body = "".join(json.dumps(line) + "\n" for line in (header, *lines, end)).encode()
        found = carol.call("PUT", "/v1/state", content=body, headers={"content-type": "application/x-ndjson"})
        assert found.status_code == 200, found.text
        if found.json()["changed"]:
            self.files[self.council.events()[-1]["digest"]] = lines
            self._renumber()
        self.holds(found, 200, lambda: None)

    def _renumber(self) -> None:
        model = self.model
        model.rev += 1
        counted: list[ModelUser | ModelTenant | ModelShare] = [*model.users.values(), *model.tenants.values()]
        for one in [*counted, *model.shares.values()]:
            one.rev = model.rev
        model.by_revision = {share.owner: model.rev for share in model.shares.values()}


@pytest.fixture
def standings(council: Council) -> Iterator[Standings]:
    made = Standings(council.valkey.url)
    yield made
    made.close()


@pytest.mark.timeout(60 + STEPS)
def test_the_gateway_does_what_the_model_does(council: Council, standings: Standings) -> None:
    Machine.council, Machine.standings, Machine.taken = council, standings, 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(1, STEPS // STEPS_AT_ONCE),
            stateful_step_count=STEPS_AT_ONCE,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            database=None,
        ),
    )
    assert Machine.taken >= STEPS * 0.8
