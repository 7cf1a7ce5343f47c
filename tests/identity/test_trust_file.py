"""A trust file with a mistake in it is refused, and the refusal says on which line."""

from pathlib import Path

import pytest

from vendor.identity.trust import TrustError, load_trust

ISSUER = """\
version = 1

[[issuer]]
name = "one"
url = "https://one.example"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
"""
RULE = """
[[issuer.rule]]
name = "all"
"""
SECOND = (
    RULE
    + """
[[issuer]]
name = "two"
url = "https://two.example"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
"""
)
KBASE = """
[[kbase]]
name = "kbase"
url = "https://kbase.example/"
"""


def complaints(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TrustError) as refused:
        load_trust(file, own_issuer_url="https://vendor.example")
    return [str(complaint) for complaint in refused.value.complaints]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("version = 1\n[[issuer]\n", "line 2: Expected ']]'", id="syntax"),
        pytest.param("version = 1\nversion = 1\n", "line 2: Cannot overwrite", id="key-twice"),
        pytest.param("", "line 1: version: is required", id="empty"),
        pytest.param("version = 2\n", "line 1: version: Input should be 1", id="version"),
        pytest.param("version = 1\nissuers = []\n", "line 2: issuers: is not a known key", id="unknown-key"),
        pytest.param(ISSUER, "line 3: issuer[0].rule: is required", id="no-rule"),
        pytest.param(
            ISSUER + 'audience = "v"\n' + RULE, "line 9: issuer[0].audience: is not a known key", id="misspelt"
        ),
        pytest.param(
            ISSUER.replace('["vendor"]', "[]") + RULE, "line 6: issuer[0].audiences: List should", id="no-audience"
        ),
        pytest.param(
            ISSUER.replace('["vendor"]', '"vendor"') + RULE, "line 6: issuer[0].audiences: Input", id="not-a-list"
        ),
        pytest.param(ISSUER.replace("ES256", "HS256") + RULE, "line 7: issuer[0].algorithms[0]: Input", id="symmetric"),
        pytest.param(ISSUER.replace("ES256", "none") + RULE, "line 7: issuer[0].algorithms[0]: Input", id="alg-none"),
        pytest.param(ISSUER.replace("https:", "http:") + RULE, "line 5: issuer[0].url: is not https", id="http"),
        pytest.param(ISSUER.replace("one.ex", "u:p@one.ex") + RULE, "line 5: issuer[0].url: must not", id="userinfo"),
        pytest.param(
            ISSUER.replace("one.example", "one.example?a=b") + RULE, "line 5: issuer[0].url: must", id="query"
        ),
        pytest.param(
            ISSUER.replace("one.example", "vendor.example/") + RULE, "line 5: issuer[0].url: is this", id="own"
        ),
        pytest.param(ISSUER + "leeway_seconds = 301\n" + RULE, "line 9: issuer[0].leeway_seconds", id="leeway"),
        pytest.param(ISSUER + "leeway_seconds = true\n" + RULE, "line 9: issuer[0].leeway_seconds", id="bool-for-int"),
        pytest.param(ISSUER + 'max_token_seconds = "1h"\n' + RULE, "line 9: issuer[0].max_token", id="text-for-int"),
        pytest.param(ISSUER + 'prefix = "Two"\n' + RULE, "line 9: issuer[0].prefix", id="prefix-form"),
        pytest.param(ISSUER + 'prefix = "two"\n' + RULE, "line 9: issuer[0].prefix", id="prefix-without-separator"),
        pytest.param(ISSUER + "user = []\n" + RULE, "line 9: issuer[0].user", id="empty-path"),
        pytest.param(
            ISSUER.replace('["id"]', '["access"]') + RULE, "line 8: issuer[0].tokens: access tokens need", id="clients"
        ),
        pytest.param(
            ISSUER.replace('["id"]', '["plain-access"]') + "any_client = true\n" + RULE,
            "line 8: issuer[0].tokens: plain-access needs",
            id="plain-access",
        ),
        pytest.param(
            ISSUER + 'clients = ["a"]\nany_client = true\n' + RULE,
            "line 10: issuer[0].any_client: contra",
            id="clients-2",
        ),
        pytest.param(
            ISSUER + 'jwks_file = "k"\njwks_uri = "https://k"\n' + RULE, "line 9: issuer[0].jwks_file", id="two-sources"
        ),
        pytest.param(
            ISSUER + RULE + 'when = [{ claim = "a" }]\n', "line 12: issuer[0].rule[0].when[0]: give", id="no-op"
        ),
        pytest.param(
            ISSUER
            + RULE
            + 'when = [\n  { claim = "a", equals = "x" },\n  { claim = "b", equals = "x", in = ["y"] },\n]\n',
            "line 14: issuer[0].rule[0].when[1]: give exactly one",
            id="two-operators",
        ),
        pytest.param(
            ISSUER + RULE + 'when = [{ claim = "a", matches = "(" }]\n',
            "line 12: issuer[0].rule[0].when[0].matches: not a regular expression",
            id="broken-pattern",
        ),
        pytest.param(
            ISSUER + RULE + 'when = [{ claim = "a", matches = "(a+)+" }]\n',
            "line 12: issuer[0].rule[0].when[0].matches: a group cannot be repeated",
            id="exploding-pattern",
        ),
        pytest.param(
            ISSUER + RULE + "name_pattern = '(?=x)y'\n",
            "line 12: issuer[0].rule[0].name_pattern: look",
            id="look-around",
        ),
        pytest.param(ISSUER + RULE + 'as = "Root"\n', "line 12: issuer[0].rule[0].as: 'Root' is not a user", id="as"),
        pytest.param(
            ISSUER + RULE + 'kind = "workload"\ntenant = "kbase"\nmay_act_for = ["one"]\n',
            "line 14: issuer[0].rule[0].may_act_for: contradicts `tenant`",
            id="acts-for-a-tenant-and-for-people",
        ),
        pytest.param(
            ISSUER + RULE + 'tenant = "kbase"\n', "line 12: issuer[0].rule[0].tenant: is for w", id="user-tenant"
        ),
        pytest.param(
            ISSUER + RULE + 'kind = "workload"\ntenant = "kBase"\n',
            "line 13: issuer[0].rule[0].tenant",
            id="tenant-name",
        ),
        pytest.param(
            ISSUER + RULE + 'kind = "workload"\nscope = [\n{ path = "s3://lake/a*/" }]\n',
            "line 14: issuer[0].rule[0].scope[0].path: 's3://lake/a*/' holds one of",
            id="wildcard-scope",
        ),
        pytest.param(ISSUER + RULE + "scope = []\n", "line 12: issuer[0].rule[0].scope: List should", id="empty-scope"),
        pytest.param(
            ISSUER + RULE + 'access = "read_only"\n', "line 12: issuer[0].rule[0].access: has no", id="access"
        ),
        pytest.param(ISSUER + RULE + 'joins = "one"\n', "line 12: issuer[0].rule[0].joins: on a rule", id="rule-joins"),
        pytest.param(ISSUER + RULE + RULE, "line 14: issuer[0].rule[1].name: is used", id="rule-twice"),
        pytest.param(
            ISSUER + SECOND.replace('"two"', '"one"') + 'prefix = "b-"\n' + RULE,
            "line 14: issuer[1].name",
            id="name-twice",
        ),
        pytest.param(
            ISSUER + SECOND.replace("two.", "one.") + 'prefix = "b-"\n' + RULE, "line 15: issuer[1].url", id="url-twice"
        ),
        pytest.param(ISSUER + SECOND + RULE, "line 13: issuer[1].prefix: is one's", id="same-name-space"),
        pytest.param(ISSUER + RULE + KBASE, "line 13: kbase[0].prefix: is one's", id="same-name-space-kbase"),
        pytest.param(
            ISSUER + SECOND + 'joins = "three"\n' + RULE, "line 19: issuer[1].joins: names no other", id="joins-nobody"
        ),
        pytest.param(
            ISSUER + SECOND + 'joins = "one"\nprefix = "b-"\n' + RULE,
            "line 19: issuer[1].joins: must",
            id="joins-prefix",
        ),
        pytest.param(
            ISSUER + 'mode = "audit"\n' + SECOND + 'joins = "one"\n' + RULE,
            "line 20: issuer[1].joins: must name an enforced",
            id="joins-audit",
        ),
        pytest.param(
            ISSUER + 'prefix = "a-"\n' + SECOND + 'prefix = "a-b-"\n' + RULE, "line 20: issuer[1].prefix", id="nested"
        ),
        pytest.param(
            ISSUER + RULE + 'as = "bot"\n' + SECOND[len(RULE) :] + 'prefix = "b-"\n' + RULE + 'as = "bot"\n',
            "line 24: issuer[1].rule[0].as: is a principal of one already",
            id="fixed-name-twice",
        ),
        pytest.param(
            ISSUER + RULE + 'as = "bot"\njoins = "nobody"\n',
            "line 13: issuer[0].rule[0].joins: names no",
            id="as-joins",
        ),
        pytest.param("version = 1\n" + KBASE + KBASE, "line 3: kbase: List should have at most 1", id="two-kbases"),
        pytest.param(
            "version = 1\n" + KBASE.replace("https", "http"), "line 5: kbase[0].url: is not https", id="kbase-http"
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, said: str, trust_file: Path) -> None:
    found = complaints(trust_file, text)

    assert len(found) == 1, found
    assert found[0].startswith(said), found


def test_all_mistakes_are_named_at_once(trust_file: Path) -> None:
    text = ISSUER.replace("https:", "http:") + 'clients = ["a"]\nany_client = true\n' + RULE + 'tenant = "kbase"\n'

    assert [line.partition(":")[0] for line in complaints(trust_file, text)] == ["line 5", "line 10", "line 14"]


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="cannot be read"):
        load_trust(tmp_path / "missing.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(TrustError, match="line 2: is not UTF-8"):
        load_trust(binary)
    binary.write_bytes(b"#" * 2_000_000)
    with pytest.raises(TrustError, match="larger than"):
        load_trust(binary)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ISSUER.replace("https://one.example", "http://127.0.0.1:8080") + RULE, id="loopback"),
        pytest.param(ISSUER.replace("https://one.example", "http://[::1]:8080/x") + RULE, id="loopback-6"),
        pytest.param(ISSUER.replace("https:", "http:") + "allow_http = true\n" + RULE, id="http-allowed"),
        pytest.param(ISSUER + SECOND + 'joins = "one"\n' + RULE + KBASE + 'joins = "one"\n', id="three-joined"),
        pytest.param(ISSUER + SECOND.replace("two.", "one.") + 'mode = "audit"\n' + RULE, id="stricter-on-trial"),
        pytest.param(
            ISSUER
            + RULE
            + 'as = "bot"\n'
            + SECOND[len(RULE) :]
            + 'prefix = "b-"\n'
            + RULE
            + 'as = "bot"\njoins = "one"\n',
            id="fixed-name-joined",
        ),
    ],
)
def test_what_is_allowed(text: str, trust_file: Path) -> None:
    trust_file.write_text(text, encoding="utf-8")
    assert load_trust(trust_file).sources
