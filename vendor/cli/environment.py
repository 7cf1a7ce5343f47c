"""The environment variables through which programs find S3 keys, and those that would get in the way.

Rules of the SDKs that matter here: `AWS_PROFILE` can win over keys in the environment; a stale session token with
new keys is refused; an endpoint for S3 alone wins over the general one.
"""

from collections.abc import Mapping

from vendor.client.answers import Endpoint, Vended

IDENTITY = frozenset({"VENDOR_TOKEN", "VENDOR_TOKEN_FILE", "VENDOR_LEASE_TOKEN"})
"""What says who you are, or renews a lease.  A child gets keys, not what can ask for more."""

CREDENTIAL_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
)
OTHER_SOURCES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
PLACES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT", "AWS_REGION")
STALE = frozenset(
    (*CREDENTIAL_VARIABLES, *OTHER_SOURCES, *PLACES, "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
)


def place_variables(endpoint: Endpoint) -> dict[str, str]:
    """Return what points programs at the store."""
    variables = {
        "AWS_ENDPOINT_URL_S3": endpoint.url,
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",  # never fall back to a machine's own identity
    }
    if endpoint.url.startswith("http://"):
        variables["AWS_ALLOW_HTTP"] = "true"  # object_store (Polars, delta-rs) refuses plain http otherwise
    return variables


def static_variables(vended: Vended) -> dict[str, str]:
    """Return the variables for keys that last until they expire."""
    credentials = vended.credentials
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key.reveal(),
        "AWS_SESSION_TOKEN": credentials.session_token.reveal(),
        "AWS_CREDENTIAL_EXPIRATION": credentials.expiration_text,
        **place_variables(vended.endpoint),
    }


def child_environment(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` for a child: with `variables`, without what would win over them and without our identity."""
    kept = {name: value for name, value in environ.items() if name not in STALE and name not in IDENTITY}
    return kept | dict(variables) | _around_proxies(environ)


def _around_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep programs from asking a proxy for the credentials door on loopback; not all know better by themselves."""
    if not any(environ.get(name) or environ.get(name.lower()) for name in ("HTTP_PROXY", "ALL_PROXY")):
        return {}
    bypass = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if bypass.strip() == "*" or "127.0.0.1" in bypass.split(","):
        return {}
    extended = ",".join(filter(None, (bypass, "127.0.0.1")))
    return {"NO_PROXY": extended, "no_proxy": extended}
