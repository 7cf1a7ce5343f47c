"""What is sealed opens with the same token, as the same thing, and in no other way."""

import base64

from vendor.leases.sealed import seal, unseal
from vendor.secret import LeaseToken

TOKEN = LeaseToken("vlt_" + "a" * 20 + "_" + "b" * 43)
OTHER = LeaseToken("vlt_" + "a" * 20 + "_" + "b" * 42 + "c")


def test_it_opens_with_its_token_as_what_it_was_sealed_for() -> None:
    sealed = seal(TOKEN, "l_1.0", '{"secret": "s3cr3t"}')

    assert unseal(TOKEN, "l_1.0", sealed) == '{"secret": "s3cr3t"}'
    assert "s3cr3t" not in base64.b64decode(sealed).decode("latin-1")


def test_it_opens_in_no_other_way() -> None:
    sealed = seal(TOKEN, "l_1.0", "text")

    assert unseal(OTHER, "l_1.0", sealed) is None
    assert unseal(TOKEN, "l_1.1", sealed) is None
    assert unseal(TOKEN, "l_2.0", sealed) is None
    content = bytearray(base64.b64decode(sealed))
    for position in range(len(content)):
        content[position] ^= 1
        assert unseal(TOKEN, "l_1.0", base64.b64encode(content).decode()) is None
        content[position] ^= 1
    for broken in ("", "not base64", sealed[:20], sealed + "!", "é"):
        assert unseal(TOKEN, "l_1.0", broken) is None


def test_no_two_are_alike_and_the_length_tells_little() -> None:
    assert seal(TOKEN, "l_1.0", "text") != seal(TOKEN, "l_1.0", "text")
    assert len(seal(TOKEN, "l_1.0", "x")) == len(seal(TOKEN, "l_1.0", "x" * 256))
