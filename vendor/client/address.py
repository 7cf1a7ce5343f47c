"""Addresses that a token may be sent to: https, or http where nobody else can listen."""

from typing import NewType
from urllib.parse import urlsplit

from vendor.client.errors import BadInput
from vendor.loopback import is_loopback

ServiceUrl = NewType("ServiceUrl", str)
"""A checked base address without a last slash: no user, query or fragment; http only on loopback or by permission."""


def parse_service_url(text: str, *, insecure_http: bool = False, what: str = "gateway address") -> ServiceUrl:
    """Return `text` as an address that tokens may be sent to, or raise BadInput saying why not."""
    shown = ascii(text if len(text) <= 120 else text[:117] + "...")
    if any(not 0x21 <= ord(character) <= 0x7E for character in text):
        raise BadInput(f"The {what} holds blanks or characters that no address has.")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        raise BadInput(f"The {what} {shown} is not an address.") from None
    if parts.username is not None or parts.password is not None:
        # Not shown: what stands before the @ is a secret.
        raise BadInput(f"The {what} must not carry a user or password.")
    if parts.scheme not in {"https", "http"} or not host or "?" in text or "#" in text:
        raise BadInput(f"The {what} {shown} is not of the form https://host[:port][/path].")
    if parts.scheme == "http" and not (insecure_http or is_loopback(host)):
        raise BadInput(
            f"The {what} {shown} is plain http, so everybody on the way could read the token.",
            remedy="Use https, or say --insecure-http if the network is yours.",
        )
    return ServiceUrl(text.rstrip("/"))
