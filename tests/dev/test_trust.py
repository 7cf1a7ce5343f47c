"""The stack's trust file is one that the gateway accepts."""

from pathlib import Path

from vendor.dev.trust import write_trust
from vendor.identity.trust import load_trust


def test_the_trust_file_is_valid_and_names_both_providers(tmp_path: Path) -> None:
    write_trust(tmp_path / "trust.toml", issuer="http://127.0.0.1:20001", kbase="http://127.0.0.1:20002/")
    trust = load_trust(tmp_path / "trust.toml", own_issuer_url="http://127.0.0.1:20003")

    (issuer,) = trust.issuers
    assert issuer.url == "http://127.0.0.1:20001"
    assert issuer.admin_roles == ("ADMIN",)
    assert trust.kbase is not None
    assert trust.kbase.url == "http://127.0.0.1:20002/"
    assert trust.kbase.joins == issuer.name
    assert trust.kbase.cache_seconds < 30
