"""A Kubernetes API server, as far as it is an issuer: TLS by a private authority, keys only for who shows a token."""

import asyncio
import datetime
import ipaddress
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.identity.world.minting import rsa_signer

ISSUER = "https://kubernetes.default.svc.cluster.local"
READER = "reader-token"


class Cluster:
    """A running issuer, and the tokens that it projects into pods."""

    def __init__(self, port: int, folder: Path) -> None:
        self.jwks_uri = f"https://127.0.0.1:{port}/openid/v1/jwks"
        self.ca_file = folder / "ca.crt"
        self.bearer_file = folder / "token"
        self.signer = rsa_signer("k8s-1")
        self.audience = "vendor"

    def token(self, namespace: str, account: str, *, audience: str | None = None, seconds: int = 3600) -> str:
        """A projected service-account token, with the claims of a real one."""
        now = int(time.time())
        claims = {
            "aud": [audience or self.audience],
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "jti": "0a7c5a5e-6b0a-4c0e-9b0a-1a2b3c4d5e6f",
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "node-1", "uid": "8a1c…"},
                "pod": {"name": f"{account}-7d9f", "uid": "4b1e…"},
                "serviceaccount": {"name": account, "uid": "77aa…"},
                "warnafter": now + 3607,
            },
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        return self.signer.token(claims, {"typ": ...})

    def entry(self, rules: str) -> str:
        """The entry that trusts this cluster."""
        return f"""
[[issuer]]
name = "cluster"
url = "{ISSUER}"
audiences = ["{self.audience}"]
algorithms = ["RS256"]
tokens = ["workload"]
prefix = "k8s-"
jwks_uri = "{self.jwks_uri}"
ca_file = "{self.ca_file}"
bearer_file = "{self.bearer_file}"
{rules}
"""


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Run an issuer in a thread of its own, so that gateways in other processes can ask it, too."""
    context = _certified(folder)
    (folder / "token").write_text(READER + "\n")
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="cluster", daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(_serve(context), loop).result(10)
    try:
        yield Cluster(port, folder)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(context: ssl.SSLContext) -> tuple[web.AppRunner, int]:
    async def jwks(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {READER}":
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        document: dict[str, Any] = {"keys": [rsa_signer("k8s-1").jwk()]}
        return web.Response(text=json.dumps(document), content_type="application/jwk-set+json")

    app = web.Application()
    app.router.add_get("/openid/v1/jwks", jwks)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner, runner.addresses[0][1]


def _certified(folder: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for 127.0.0.1."""
    key, authority = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private authority")])
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        return builder.not_valid_after(now + datetime.timedelta(days=1))

    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    root = (
        certificate(issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    leaf = (
        certificate(name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(root.public_bytes(pem))
    (folder / "server.crt").write_bytes(leaf.public_bytes(pem))
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(pem, form, encryption))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
