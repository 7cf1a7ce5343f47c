"""What the trust file has to say of a lease that goes on, when the token that began it is long gone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vendor.errors import LeaseEnded
from vendor.identity.principal import ActedBy, ActsFor, Principal, PrincipalKind
from vendor.identity.still_trusted import still_trusted
from vendor.identity.trust import Trust, load_trust
from vendor.names import TenantName, parse_s3_path, parse_user_name
from vendor.policy.grant import Access, Ask, Level

ENTRY = """\
version = 1
[[issuer]]
name = "lab"
url = "https://lab.example.org"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
"""
PEOPLE = '[[issuer.rule]]\nname = "people"\n'
NIGHTLY = '[[issuer.rule]]\nname = "nightly"\nkind = "workload"\nas = "nightly"\ntenant = "kbase"\n'
NAMED = 'name = "lab"'
KBASE = '[[kbase]]\nname = "lab"\nurl = "https://kbase.example.org/services/auth/"\n'


def trust(folder: Path, text: str) -> Trust:
    file = folder / "trust.toml"
    file.write_text(text)
    return load_trust(file)


def person(name: str = "bob", **facts: Any) -> Principal:
    usual = Principal(parse_user_name(name), PrincipalKind.USER, "https://lab.example.org", "s", 1.0, trusted_by="lab",
                      rule="people")  # fmt: skip
    return replace(usual, **facts)


def test_who_would_be_let_in_the_same_way_goes_on_unchanged(tmp_path: Path) -> None:
    assert still_trusted(person(), trust(tmp_path, ENTRY + PEOPLE)) == person()


NIGHT = person("nightly", kind=PrincipalKind.WORKLOAD, rule="nightly", has_home=False,
               acts_for=ActsFor(TenantName("kbase"), Access.READ_WRITE))  # fmt: skip


@pytest.mark.parametrize(
    ("who", "text"),
    [
        pytest.param(person(), 'version = 1\n', id="no-entries"),
        pytest.param(person(), (ENTRY + PEOPLE).replace('"lab"', '"other"'), id="entry-gone"),
        pytest.param(person(), (ENTRY + PEOPLE).replace("//lab.", "//new."), id="another-issuer-of-that-name"),
        pytest.param(person(), (ENTRY + PEOPLE).replace(NAMED, NAMED + '\nmode = "audit"'), id="entry-audit"),
        pytest.param(person(), ENTRY + PEOPLE.replace("people", "others"), id="rule-gone"),
        pytest.param(person(), ENTRY + PEOPLE + 'mode = "audit"\n', id="rule-in-audit"),
        pytest.param(person(), ENTRY + PEOPLE + 'kind = "workload"\n', id="another-kind"),
        pytest.param(person(), ENTRY + PEOPLE + 'as = "robert"\n', id="another-fixed-name"),
        pytest.param(person(), (ENTRY + PEOPLE).replace(NAMED, NAMED + '\nprefix = "lab-"'), id="prefixed-now"),
        pytest.param(person(break_glass=True), ENTRY + PEOPLE, id="no-break-glass-any-more"),
        pytest.param(person(trusted_by=None), ENTRY + PEOPLE, id="of-nobody-knows-where"),
        pytest.param(NIGHT, ENTRY + NIGHTLY.replace('as = "nightly"', 'as = "daily"'), id="fixed-name-changed"),
        pytest.param(person("nightly"), ENTRY + PEOPLE + NIGHTLY, id="name-belongs-to-a-rule-now"),
        pytest.param(person(issuer="https://kbase.example.org/services/auth/"), ENTRY + PEOPLE, id="kbase-gone"),
    ],
)  # fmt: skip
def test_who_would_not_is_told_that_the_lease_is_over(tmp_path: Path, who: Principal, text: str) -> None:
    with pytest.raises(LeaseEnded):
        still_trusted(who, trust(tmp_path, text))


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        pytest.param("max_lease_seconds = 60\n", {"max_lease_seconds": 60}, id="shorter"),
        pytest.param("home = false\n", {"has_home": False}, id="no-home"),
        pytest.param('scope = [{ path = "s3://cdm-lake/a/" }]\n',
                     {"max_scope": (Ask(parse_s3_path("s3://cdm-lake/a/"), Level.READ),)}, id="narrower"),
    ],
)  # fmt: skip
def test_the_bounds_are_those_of_the_file_as_it_is_now(tmp_path: Path, more: str, changed: dict[str, Any]) -> None:
    assert still_trusted(person(), trust(tmp_path, ENTRY + PEOPLE + more)) == person(**changed)


def test_a_tenant_s_workload_has_the_access_that_the_rule_gives_now(tmp_path: Path) -> None:
    found = still_trusted(NIGHT, trust(tmp_path, ENTRY + NIGHTLY))

    assert found.acts_for == ActsFor(TenantName("kbase"), Access.READ_ONLY)


def test_a_kbase_user_goes_on_within_the_entry_s_bounds(tmp_path: Path) -> None:
    who = person(issuer="https://kbase.example.org/services/auth/", rule=None)

    assert still_trusted(who, trust(tmp_path, "version = 1\n" + KBASE)) == who
    shorter = still_trusted(who, trust(tmp_path, "version = 1\n" + KBASE + "max_lease_seconds = 60\n"))
    assert shorter.max_lease_seconds == 60


# Leases that somebody began for another -----------------------------------------------------------------------------

HUBS = """\
[[issuer]]
name = "hubs"
url = "https://hubs.example.org"
prefix = "svc."
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["workload"]
[[issuer.rule]]
name = "hub"
kind = "workload"
as = "svc.hub"
may_act_for = ["lab"]
"""
HUB = ActedBy(parse_user_name("svc.hub"), "https://hubs.example.org", "hub", PrincipalKind.WORKLOAD, "hubs", "hub")
BEGUN_BY_HUB = person(acted_by=HUB)
SCOPE = 'scope = [{ path = "s3://cdm-lake/a/", access = "write" }]\n'
DATA = (Ask(parse_s3_path("s3://cdm-lake/a/"), Level.WRITE),)


def test_a_lease_that_a_hub_began_goes_on_unchanged_while_it_may(tmp_path: Path) -> None:
    assert still_trusted(BEGUN_BY_HUB, trust(tmp_path, ENTRY + PEOPLE + HUBS)) == BEGUN_BY_HUB


@pytest.mark.parametrize(
    ("who", "hubs"),
    [
        pytest.param(BEGUN_BY_HUB, "", id="entry-gone"),
        pytest.param(BEGUN_BY_HUB, HUBS.replace('may_act_for = ["lab"]\n', ""), id="may-act-for-nobody"),
        pytest.param(BEGUN_BY_HUB, HUBS.replace('["lab"]', '["hubs"]'), id="may-act-for-others"),
        pytest.param(BEGUN_BY_HUB, HUBS.replace('name = "hub"\n', 'name = "hub2"\n'), id="rule-gone"),
        pytest.param(BEGUN_BY_HUB, HUBS + 'mode = "audit"\n', id="rule-in-audit"),
        pytest.param(BEGUN_BY_HUB, HUBS.replace('kind = "workload"', 'kind = "user"'), id="another-kind"),
        pytest.param(BEGUN_BY_HUB, HUBS.replace('as = "svc.hub"', 'as = "svc.other"'), id="another-name"),
        pytest.param(person(acted_by=replace(HUB, trusted_by=None, rule=None)), HUBS, id="of-nobody-knows-where"),
    ],
)
def test_it_is_over_when_the_hub_may_not_any_more(tmp_path: Path, who: Principal, hubs: str) -> None:
    with pytest.raises(LeaseEnded):
        still_trusted(who, trust(tmp_path, ENTRY + PEOPLE + hubs))


@pytest.mark.parametrize(
    ("people", "hub", "changed"),
    [
        pytest.param("", SCOPE, {"max_scope": DATA}, id="the-hub-s-scope"),
        pytest.param(SCOPE, "", {"max_scope": DATA}, id="the-user-s-scope"),
        pytest.param(SCOPE.replace("/a/", "/a/b/"), SCOPE,
                     {"max_scope": (Ask(parse_s3_path("s3://cdm-lake/a/b/"), Level.WRITE),)}, id="both-scopes"),
        pytest.param("max_lease_seconds = 90\n", "max_lease_seconds = 60\n", {"max_lease_seconds": 60}, id="shorter"),
    ],
)  # fmt: skip
def test_the_bounds_of_both_hold_as_they_are_now(
    tmp_path: Path, people: str, hub: str, changed: dict[str, Any]
) -> None:
    found = still_trusted(BEGUN_BY_HUB, trust(tmp_path, ENTRY + PEOPLE + people + HUBS + hub))

    assert found == replace(BEGUN_BY_HUB, **changed)


def test_it_is_over_when_the_scopes_of_both_have_nothing_in_common(tmp_path: Path) -> None:
    text = ENTRY + PEOPLE + SCOPE.replace("/a/", "/b/") + HUBS + SCOPE
    with pytest.raises(LeaseEnded):
        still_trusted(BEGUN_BY_HUB, trust(tmp_path, text))


def test_a_kbase_user_s_scope_is_only_the_hub_s_and_goes_with_it(tmp_path: Path) -> None:
    url = "https://kbase.example.org/services/auth/"
    who = person(issuer=url, rule=None, acted_by=HUB, max_scope=DATA)

    assert still_trusted(who, trust(tmp_path, "version = 1\n" + KBASE + HUBS + SCOPE)) == who
    assert still_trusted(who, trust(tmp_path, "version = 1\n" + KBASE + HUBS)) == replace(who, max_scope=None)
