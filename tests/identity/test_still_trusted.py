"""What the trust file has to say of a lease that goes on, when the token that began it is long gone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vendor.errors import LeaseEnded
from vendor.identity.principal import ActsFor, Principal, PrincipalKind
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
