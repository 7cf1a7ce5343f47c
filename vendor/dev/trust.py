"""The trust file of the development stack: its OpenID provider and its KBase emulator name the same people."""

import json
from pathlib import Path

from vendor.dev.folder import write_private
from vendor.dev.idp import CLIENT_ID
from vendor.dev.users import ADMIN_ROLE, KBASE_ADMIN_ROLE, KBASE_ROLE

# A JSON string is a TOML string, too.
_TRUST = """\
version = 1

[[issuer]]
name = "dev"
url = {issuer}
audiences = [{client}]
algorithms = ["RS256"]
# The provider marks no access token as such, but every refresh token as what it is.
tokens = ["plain-access"]
require = [{{ claim = "token_type", absent = true }}]
any_client = true
roles = "roles"
groups = "groups"
admin_roles = [{admin}]
refresh_seconds = 10

[issuer.sign_in]
client_id = {client}

[[issuer.rule]]
name = "people"

[[kbase]]
name = "kbase"
joins = "dev"
url = {kbase}
required_roles = [{kbase_role}]
admin_roles = [{kbase_admin}]
# Short, so that taking a token away can be watched.
cache_seconds = 5
"""


def write_trust(file: Path, *, issuer: str, kbase: str) -> None:
    """Write the trust file for a provider at `issuer` and an emulator at `kbase`."""
    values = {
        "issuer": issuer,
        "client": CLIENT_ID,
        "admin": ADMIN_ROLE,
        "kbase": kbase,
        "kbase_role": KBASE_ROLE,
        "kbase_admin": KBASE_ADMIN_ROLE,
    }
    write_private(file, _TRUST.format(**{name: json.dumps(value) for name, value in values.items()}))
