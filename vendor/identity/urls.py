"""Addresses of identity providers: https, unless the operator said otherwise or nobody else can listen."""

from urllib.parse import urlsplit

from vendor.loopback import is_loopback


def problem_with_url(url: str, *, allow_http: bool) -> str | None:
    """Return what is wrong with `url` as the address of an identity provider, None if nothing is."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not host or not url.isascii() or any(character.isspace() for character in url):
        return "is not a URL"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment or "#" in url:
        return "must not carry credentials, a query or a fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_loopback(host))):
        return None
    return "is not https"


def same_host(one: str, other: str) -> bool:
    """Say whether two URLs name the same host and port."""
    return _authority(one) == _authority(other)


def _authority(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
