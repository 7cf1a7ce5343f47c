"""Groups 16 to 34: algorithms, keys and signatures."""

import hashlib
import hmac
import zlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey

from tests.identity.corpus.case import Case, accepted, token
from tests.identity.world.minting import Signer, as_bytes, b64, ec_signer
from tests.identity.world.world import World


def unsigned(world: World, algorithm: str, signature: str = "") -> str:
    head = b64(as_bytes({"alg": algorithm, "typ": "JWT", "kid": "rsa-1"}))
    return f"{head}.{b64(as_bytes(world.claims()))}.{signature}"


def by_hmac(world: World, secret: bytes, kid: str = "rsa-1", algorithm: str = "HS256") -> str:
    message = unsigned(world, algorithm).rpartition(".")[0]
    if kid != "rsa-1":
        message = f"{b64(as_bytes({'alg': algorithm, 'kid': kid}))}.{message.partition('.')[2]}"
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return f"{message}.{b64(hmac.new(secret, message.encode(), digest).digest())}"


def pem(signer: Signer, form: serialization.PublicFormat = serialization.PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return signer.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def resigned(world: World, signature: bytes, signer: Signer | None = None) -> str:
    return world.token(signer=signer or world.ec).rpartition(".")[0] + "." + b64(signature)


def der_signed(world: World) -> str:
    message = world.token(signer=world.ec).rpartition(".")[0]
    key = world.ec.key
    assert isinstance(key, EllipticCurvePrivateKey)
    return f"{message}.{b64(key.sign(message.encode(), ECDSA(hashes.SHA256())))}"


def last_byte_changed(world: World) -> str:
    message, _, signature = world.token().rpartition(".")
    changed = bytearray(world.rsa.sign(message.encode()))
    changed[-1] ^= 1
    assert signature != b64(bytes(changed))
    return f"{message}.{b64(bytes(changed))}"


def stray_bits(world: World) -> str:
    """The same signature, spelled with other unused bits at the end."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = world.token(signer=world.ec)  # of its last character, 64 bytes use two bits of six
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def with_own_key(world: World, **where: object) -> str:
    """Signed by a stranger who brings the key along."""
    stranger = ec_signer("stranger")
    return stranger.token(world.claims(), {"kid": "ec-1", **where})


def bomb(world: World) -> str:
    """A compressed payload that grows a thousandfold."""
    compressor = zlib.compressobj(wbits=-15)
    packed = compressor.compress(b" " * 8_000_000 + world.payload()) + compressor.flush()
    return world.rsa.token(packed, {"zip": "DEF"})


def jwe(world: World) -> str:
    head = b64(as_bytes({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa-1"}))
    return ".".join([head, b64(b"k" * 256), b64(b"i" * 12), b64(world.payload()), b64(b"t" * 16)])


def without_algorithm(name: str, *, signed: bool) -> Case:
    title = f"alg-{name or 'empty'}{'-with-a-signature' if signed else ''}"
    return token(16, title, lambda world: world.token(header={"alg": name}) if signed else unsigned(world, name))


def strange_kid(position: int, kid: str) -> Case:
    return token(27, f"kid-{position}", lambda world: world.token(header={"kid": kid}))


PATHS = (
    "../../etc/passwd",
    "http://127.0.0.1:1/key",
    "*",
    "'; DROP TABLE keys; --",
    "rsa-1\x00",
    "RSA-1",
    " rsa-1",
    "rsa-?",
)
STRANGE_ALGORITHMS = ("none", "None", "nOnE", "NONE", "")

CASES = [
    *(without_algorithm(name, signed=False) for name in STRANGE_ALGORITHMS),
    *(without_algorithm(name, signed=True) for name in STRANGE_ALGORITHMS),
    token(17, "hs256-by-public-pem", lambda world: by_hmac(world, pem(world.rsa))),
    token(17, "hs512-by-public-pem", lambda world: by_hmac(world, pem(world.rsa), algorithm="HS512")),
    token(17, "hs256-by-pkcs1-pem", lambda world: by_hmac(world, pem(world.rsa, serialization.PublicFormat.PKCS1))),
    token(17, "hs256-by-jwk-text", lambda world: by_hmac(world, as_bytes(world.rsa.jwk()))),
    token(17, "hs256-by-modulus", lambda world: by_hmac(world, world.rsa.jwk()["n"].encode())),
    token(17, "hs256-by-nothing", lambda world: by_hmac(world, b"")),
    token(18, "rs256-names-ec-key", lambda world: world.token(header={"kid": "ec-1"})),
    token(18, "es256-names-rsa-key", lambda world: world.token(signer=world.ec, header={"kid": "rsa-1"})),
    token(18, "says-es256-is-rs256", lambda world: world.token(header={"alg": "ES256"})),
    token(18, "says-rs256-is-es256", lambda world: world.token(signer=world.ec, header={"alg": "RS256"})),
    token(18, "key-is-for-another-algorithm", lambda w: Signer("ps-only", "RS256", w.ps.key).token(w.claims())),
    token(19, "ps256", lambda world: world.token(signer=world.ps)),
    token(19, "ps256-by-the-rs256-key", lambda world: world.rsa.token(world.claims(), algorithm="PS256")),
    token(19, "eddsa", lambda world: world.token(signer=world.ed)),
    token(19, "rs512", lambda world: world.rsa.token(world.claims(), algorithm="RS512")),
    accepted(
        19, "rs256-by-a-key-without-alg", lambda w: Signer("rsa-ps", "RS256", w.ps.key).token(w.claims()), "alice"
    ),
    token(20, "rsa-1024", lambda world: world.token(signer=world.weak)),
    token(20, "key-for-encryption", lambda world: world.token(signer=world.encryption)),
    token(20, "key-whose-private-half-is-published", lambda world: world.token(signer=world.leaked)),
    token(20, "kid-of-two-keys", lambda world: world.token(signer=world.twice)),
    token(20, "kid-of-two-keys-the-other", lambda w: Signer("twice", "ES256", w.other.key).token(w.claims())),
    token(21, "empty-signature", lambda world: world.token().rpartition(".")[0] + "."),
    token(21, "no-signature", lambda world: world.token().rpartition(".")[0]),
    token(22, "r-and-s-zero", lambda world: resigned(world, bytes(64))),
    token(22, "s-zero", lambda world: resigned(world, b"\x00" * 31 + b"\x01" + bytes(32))),
    token(22, "r-and-s-the-order", lambda world: resigned(world, bytes.fromhex(ORDER) * 2)),
    token(23, "der", der_signed),
    token(23, "too-short", lambda world: resigned(world, bytes(63))),
    token(23, "too-long", lambda world: resigned(world, bytes(65))),
    token(24, "last-byte-changed", last_byte_changed),
    token(24, "stray-bits", stray_bits),
    token(24, "payload-of-another-token", lambda w: _mixed(w.token(), w.token(sub="bob", x=1))),
    token(
        24,
        "header-of-another-token",
        lambda w: ".".join([w.token(header={"typ": ...}).split(".")[0], *w.token().split(".")[1:]]),
    ),
    token(25, "no-kid-among-many", lambda world: world.token(header={"kid": ...})),
    accepted(25, "no-kid-and-one-key", lambda world: world.token("onekey", header={"kid": ...}), "one-alice"),
    token(25, "kid-null", lambda world: world.token(header={"kid": None})),
    token(25, "kid-number", lambda world: world.token(header={"kid": 1})),
    token(25, "kid-list", lambda world: world.token(header={"kid": ["rsa-1"]})),
    token(25, "kid-empty", lambda world: world.token(header={"kid": ""})),
    token(26, "unknown-kid", lambda world: world.token(header={"kid": "rsa-2"})),
    *(strange_kid(position, kid) for position, kid in enumerate(PATHS)),
    token(27, "kid-of-10-kb", lambda world: world.token(header={"kid": "k" * 10_000})),
    token(28, "key-of-another-issuer", lambda world: world.token(signer=Signer("ec-1", "ES256", world.other.key))),
    token(28, "kid-of-another-issuer", lambda world: world.token(signer=world.ec, header={"kid": "twin-ec"})),
    token(28, "issuer-swapped", lambda world: world.token("twin", signer=world.rsa, header={})),
    token(29, "jwk-of-a-stranger", lambda world: with_own_key(world, jwk=ec_signer("stranger").jwk())),
    token(29, "jwk-and-no-kid", lambda world: with_own_key(world, jwk=ec_signer("stranger").jwk(), kid=...)),
    token(29, "jwk-beside-a-good-signature", lambda world: world.token(header={"jwk": world.rsa.jwk()})),
    token(29, "x5c-of-a-stranger", lambda world: with_own_key(world, x5c=["MIIB"])),
    token(30, "jku-loopback", lambda world: with_own_key(world, jku=f"{world.provider.url}/bait/jku")),
    token(30, "jku-beside-a-good-signature", lambda world: world.token(header={"jku": f"{world.provider.url}/bait/a"})),
    token(30, "jku-metadata", lambda world: with_own_key(world, jku="http://169.254.169.254/latest/meta-data/")),
    token(30, "x5u-loopback", lambda world: with_own_key(world, x5u=f"{world.provider.url}/bait/x5u")),
    token(30, "x5u-beside-a-good-signature", lambda world: world.token(header={"x5u": f"{world.provider.url}/bait/b"})),
    token(30, "x5u-metadata", lambda world: with_own_key(world, x5u="http://169.254.169.254/")),
    token(30, "iss-bait", lambda world: world.token(iss=f"{world.provider.url}/bait")),
    token(31, "crit-exp", lambda world: world.token(header={"crit": ["exp"], "exp": 1})),
    token(31, "crit-unknown", lambda world: world.token(header={"crit": ["x-strict"], "x-strict": True})),
    token(31, "crit-empty", lambda world: world.token(header={"crit": []})),
    token(32, "b64-false", lambda world: world.token(header={"b64": False})),
    token(32, "b64-false-and-crit", lambda world: world.token(header={"b64": False, "crit": ["b64"]})),
    token(32, "b64-true", lambda world: world.token(header={"b64": True})),
    token(33, "jwe", jwe),
    token(33, "enc-in-a-signed-token", lambda world: world.token(header={"enc": "A256GCM"})),
    token(33, "nested", lambda world: world.rsa.token(world.token(), {"cty": "JWT"})),
    token(33, "nested-with-good-claims", lambda world: world.token(header={"cty": "JWT"})),
    token(33, "zip-bomb", bomb),
    token(33, "zip-with-good-claims", lambda world: world.token(header={"zip": "DEF"})),
    token(34, "oct-key", lambda world: by_hmac(world, b"secret-secret-secret-secret-secr", "oct")),
    accepted(34, "rs256-is-fine", lambda world: world.token(), "alice"),
    accepted(34, "es256-is-fine", lambda world: world.token(signer=world.ec), "alice"),
    accepted(34, "thumbprint-in-the-header", lambda world: world.token(header={"x5t": "abc"}), "alice"),
]

ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"


def _mixed(one: str, other: str) -> str:
    head, _, signature = one.split(".")
    return ".".join([head, other.split(".")[1], signature])
