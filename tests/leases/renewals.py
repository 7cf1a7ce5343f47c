"""What the tests of renewals have in common: who asks from where, and whom the gateway trusts."""

from vendor.audit.event import Origin
from vendor.leases.lease import Issued
from vendor.secret import RawToken

ORIGIN = Origin(request_id="r_renew", door="test")
DAY = 86_400
TRUST = """\
version = 1
[[issuer]]
name = "lab"
url = "https://idp.example.org"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
[[issuer.rule]]
name = "people"
"""


def token_of(issued: Issued) -> RawToken:
    assert issued.token is not None
    return RawToken(issued.token.reveal())
