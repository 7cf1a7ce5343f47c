"""What rules make of good tokens: every setting of a rule ends up in the principal, and only where it should."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.identity.world.world import OWN_ISSUER, World
from vendor.errors import RoleRequired, UnusableName, VendError
from vendor.identity.authenticator import open_authenticator
from vendor.identity.principal import ActsFor, Principal, PrincipalKind
from vendor.names import parse_s3_path, parse_tenant_name
from vendor.policy.grant import Access, Ask, Level
from vendor.secret import RawToken

ISSUER = """\
version = 1

[[issuer]]
name = "idp"
url = "URL"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
roles = "roles"
groups = "groups"
admin_roles = ["ADMIN", "OPERATOR"]
"""


@pytest.fixture
def admitted(world: World, trust_file: Path) -> Any:
    """Admit a token of `onekey` under a trust file that ends in the given text."""

    def write(text: str) -> None:
        trust_file.write_text(ISSUER.replace("URL", world.issuers["onekey"]) + text, encoding="utf-8")

    async def admit(text: str, **claims: Any) -> Principal:
        write(text)
        token = RawToken(world.token("onekey", **claims))
        async with open_authenticator(trust_file=trust_file, own_issuer_url=OWN_ISSUER, clock=time.time) as door:
            return await door.authenticate(token)

    return admit


RULE = '\n[[issuer.rule]]\nname = "r"\n'


async def test_a_plain_user(admitted: Any, world: World) -> None:
    found = await admitted(RULE, name="Alice Ångström", email="a@example.org", roles=["x"], exp=world.now + 600)

    assert found == Principal(
        name=found.name,
        kind=PrincipalKind.USER,
        issuer=world.issuers["onekey"],
        subject="alice",
        expires_at=world.now + 600.0,
        roles=frozenset({"x"}),
        groups=frozenset({"lab"}),
        display_name="Alice Ångström",
        email="a@example.org",
        trusted_by="idp",
        rule="r",
    )
    assert found.name == "alice"
    assert (found.admin, found.has_home, found.acts_for, found.max_scope, found.break_glass) == (
        False,
        True,
        None,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("roles", "admin"),
    [(["ADMIN"], True), (["a", "ADMIN"], True), (["admin"], False), ([], False), (["ADMINS"], False)],
)
async def test_any_admin_role_makes_an_admin(admitted: Any, roles: list[str], admin: bool) -> None:
    assert (await admitted(RULE, roles=roles)).admin is admin


async def test_a_workload_for_a_tenant(admitted: Any) -> None:
    found = await admitted(
        RULE
        + 'kind = "workload"\nas = "nightly"\ntenant = "kbase"\naccess = "read_write"\nmax_lease_seconds = 600\n'
        + 'scope = [{ path = "s3://lake/t/kbase/in/", access = "write" }, { path = "s3a://lake/t/kbase/" }]\n',
        sub="repo:x",
    )

    assert (found.name, found.kind, found.subject) == ("nightly", PrincipalKind.WORKLOAD, "repo:x")
    assert found.acts_for == ActsFor(parse_tenant_name("kbase"), Access.READ_WRITE)
    assert found.max_scope == (
        Ask(parse_s3_path("s3://lake/t/kbase/in/"), Level.WRITE),
        Ask(parse_s3_path("s3a://lake/t/kbase/"), Level.READ),
    )
    assert (found.max_lease_seconds, found.has_home) == (600, False)


@pytest.mark.parametrize(
    ("text", "home"),
    [("", True), ("home = false\n", False), ('kind = "workload"\n', False), ('kind = "workload"\nhome = true\n', True)],
)
async def test_homes(admitted: Any, text: str, home: bool) -> None:
    assert (await admitted(RULE + text)).has_home is home


async def test_the_first_rule_that_fits_decides(admitted: Any) -> None:
    text = (
        '\n[[issuer.rule]]\nname = "no"\nwhen = [{ claim = "groups", contains = "other" }]\nas = "wrong"\n'
        '\n[[issuer.rule]]\nname = "yes"\nwhen = [{ claim = "groups", contains = "lab" }]\nas = "right"\n'
        '\n[[issuer.rule]]\nname = "late"\nas = "too-late"\n'
    )
    assert (await admitted(text)).name == "right"
    assert (await admitted(text, groups=[])).name == "too-late"


async def test_no_rule_is_a_refusal(admitted: Any) -> None:
    with pytest.raises(RoleRequired) as refused:
        await admitted(RULE + 'when = [{ claim = "x", equals = "y" }]\n')
    assert refused.value.details["reason"] == "no_rule"


async def test_the_shortest_of_all_lease_limits_counts(admitted: Any) -> None:
    assert (await admitted("max_lease_seconds = 900\n" + RULE + "max_lease_seconds = 600\n")).max_lease_seconds == 600
    assert (await admitted("max_lease_seconds = 900\n" + RULE + "max_lease_seconds = 6000\n")).max_lease_seconds == 900
    assert (await admitted(RULE)).max_lease_seconds is None


@pytest.mark.parametrize(
    ("pattern", "subject", "name"),
    [
        ("user-([a-z]+)", "user-bob", "bob"),
        ("[a-z]+", "bob", "bob"),
        ("([a-z]+)/([a-z]+)", "team/bob", "team.bob"),
        ("([a-z.]+)/([a-z.]+)", "te.am/bob", None),
        ("([a-z]+)/([a-z]*)", "team/", None),
        ("user-([a-z]+)", "user-bob2", None),
        ("user-([a-z]+)", "xuser-bob", None),
    ],
)
async def test_names_by_pattern(admitted: Any, pattern: str, subject: str, name: str | None) -> None:
    text = RULE + f"name_pattern = '{pattern}'\n"
    if name is None:
        with pytest.raises(UnusableName):
            await admitted(text, sub=subject)
    else:
        assert (await admitted(text, sub=subject)).name == name


async def test_capitals_are_folded_only_where_the_operator_says_so(admitted: Any) -> None:
    with pytest.raises(UnusableName):
        await admitted(RULE, sub="Alice")
    assert (await admitted("lower_case = true\n" + RULE, sub="Alice")).name == "alice"
    for twin in ("\u212aelvin", "al\u0131ce", "am\u00e9lie"):  # fold or decompose to ASCII in some languages
        with pytest.raises(UnusableName):
            await admitted("lower_case = true\n" + RULE, sub=twin)


PROFILE = "\n[issuer.break_glass]\nmax_lease_seconds = 300\n"


async def test_break_glass_is_short(admitted: Any) -> None:
    found = await admitted(
        PROFILE + RULE + "max_lease_seconds = 600\n", assurance={"level": "break_glass", "mfa": True}
    )

    assert (found.break_glass, found.max_lease_seconds) == (True, 300)
    assert found.assurance.level == "break_glass"


async def test_other_logins_are_not_shortened(admitted: Any) -> None:
    found = await admitted(PROFILE + RULE, assurance={"level": "aal2"})
    assert (found.break_glass, found.max_lease_seconds) == (False, None)


async def test_break_glass_without_permission_is_refused(admitted: Any) -> None:
    with pytest.raises(RoleRequired) as refused:
        await admitted(RULE, assurance={"level": "break_glass"})
    assert refused.value.details["reason"] == "break_glass"


JOINED = """
[[issuer]]
name = "orcid"
url = "{url}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
prefix = "orcid-"

[[issuer.rule]]
name = "alice"
when = [{{ claim = "sub", equals = "0000-1" }}]
as = "alice"
{joins}

[[issuer.rule]]
name = "others"
"""


async def test_a_single_login_joined_to_a_user_elsewhere(world: World, trust_file: Path) -> None:
    async def names(joins: str) -> list[str | None]:
        text = (
            ISSUER.replace("URL", world.issuers["onekey"])
            + RULE
            + JOINED.format(url=world.issuers["mail"], joins=joins)
        )
        found: list[str | None] = []
        await asyncio.to_thread(trust_file.write_text, text, "utf-8")
        async with open_authenticator(trust_file=trust_file, own_issuer_url=OWN_ISSUER, clock=time.time) as door:
            for issuer, subject in (("mail", "0000-1"), ("mail", "alice"), ("onekey", "alice"), ("onekey", "bob")):
                try:
                    found.append((await door.authenticate(RawToken(world.token(issuer, sub=subject)))).name)
                except UnusableName:
                    found.append(None)
        return found

    assert await names('joins = "idp"') == ["alice", "orcid-alice", "alice", "bob"]
    assert await names("") == ["alice", "orcid-alice", None, "bob"]  # the name is the rule's alone


async def test_names_for_people_only_are_dropped_when_unfit(admitted: Any) -> None:
    found = await admitted(RULE, name="a\u202eb", email=7)
    assert (found.display_name, found.email) == (None, None)


def test_a_refusal_has_a_remedy() -> None:
    for problem in (RoleRequired("x"), UnusableName("x")):
        assert isinstance(problem, VendError)
        assert problem.remedy
