"""A lease in the terms of the tools that read S3: options for each, made from keys or kept fresh by a keeper.

Nothing of these tools is imported before it is asked for, and none is a dependency.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vendor.client.answers import Vended
from vendor.client.errors import BadInput

if TYPE_CHECKING:
    from vendor.client.keeper import Keeper


def keys(vended: Vended) -> tuple[str, str, str]:
    """Return access key id, secret access key and session token as texts."""
    credentials = vended.credentials
    return credentials.access_key_id, credentials.secret_access_key.reveal(), credentials.session_token.reveal()


# Kept fresh ---------------------------------------------------------------------------------------------------------


def boto3_session(keeper: "Keeper") -> Any:
    """Return a boto3 session whose keys are renewed, and whose S3 clients go to the lease's store."""
    boto3, session, credentials = (_needed(name) for name in ("boto3", "botocore.session", "botocore.credentials"))
    endpoint = keeper.held.endpoint

    def metadata() -> dict[str, str]:
        vended = keeper.current()
        key, secret, token = keys(vended)
        ends = vended.credentials.expiration_text
        return {"access_key": key, "secret_key": secret, "token": token, "expiry_time": ends}

    core = session.Session()
    core._credentials = credentials.RefreshableCredentials.create_from_metadata(metadata(), metadata, "vend")
    core.set_config_variable("region", endpoint.region)
    if endpoint.path_style:
        core.set_default_client_config(_needed("botocore.config").Config(s3={"addressing_style": "path"}))

    class LeaseSession(boto3.Session):  # type: ignore[misc, name-defined]  # boto3 is not there when types are checked
        def client(self, service_name: str, *arguments: Any, **named: Any) -> Any:
            return super().client(service_name, *arguments, **_at_store(service_name, named))

        def resource(self, service_name: str, *arguments: Any, **named: Any) -> Any:
            return super().resource(service_name, *arguments, **_at_store(service_name, named))

    def _at_store(service: str, named: dict[str, Any]) -> dict[str, Any]:
        return {"endpoint_url": endpoint.url, **named} if service == "s3" else named

    return LeaseSession(botocore_session=core)


def polars_credentials(keeper: "Keeper") -> Callable[[], tuple[dict[str, str], int]]:
    """Return a `credential_provider` for Polars; `polars_options` are the storage options to go with it."""

    def provide() -> tuple[dict[str, str], int]:
        vended = keeper.current()
        key, secret, token = keys(vended)
        named = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        return named, int(vended.credentials.expiration)

    return provide


def _needed(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = name.split(".")[0]
        raise BadInput(f"This needs {package}.", remedy=f"pip install {package}") from None


# Until the keys end -------------------------------------------------------------------------------------------------


def s3fs_options(vended: Vended) -> dict[str, object]:
    """Return the storage options of s3fs, which fsspec, pandas and Dask take too."""
    key, secret, token = keys(vended)
    return {
        "key": key,
        "secret": secret,
        "token": token,
        "endpoint_url": vended.endpoint.url,
        "client_kwargs": {"region_name": vended.endpoint.region},
        "config_kwargs": {"s3": {"addressing_style": "path" if vended.endpoint.path_style else "auto"}},
    }


def polars_options(vended: Vended) -> dict[str, str]:
    """Return what Polars has to know about the store beside the keys."""
    return {
        "aws_endpoint_url": vended.endpoint.url,
        "aws_region": vended.endpoint.region,
        "aws_virtual_hosted_style_request": "false" if vended.endpoint.path_style else "true",
        "aws_allow_http": "true" if vended.endpoint.url.startswith("http:") else "false",
    }


def pyarrow_options(vended: Vended) -> dict[str, object]:
    """Return the arguments of `pyarrow.fs.S3FileSystem`."""
    key, secret, token = keys(vended)
    place = urlsplit(vended.endpoint.url)
    return {
        "access_key": key,
        "secret_key": secret,
        "session_token": token,
        "endpoint_override": place.netloc,
        "scheme": place.scheme,
        "region": vended.endpoint.region,
        "force_virtual_addressing": not vended.endpoint.path_style,
    }


def s3a_options(vended: Vended) -> dict[str, str]:
    """Return the configuration of Hadoop's S3A."""
    key, secret, token = keys(vended)
    return {
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        "fs.s3a.access.key": key,
        "fs.s3a.secret.key": secret,
        "fs.s3a.session.token": token,
        "fs.s3a.endpoint": vended.endpoint.url,
        "fs.s3a.endpoint.region": vended.endpoint.region,
        "fs.s3a.path.style.access": "true" if vended.endpoint.path_style else "false",
        "fs.s3a.connection.ssl.enabled": "true" if vended.endpoint.url.startswith("https:") else "false",
    }


def spark_conf(vended: Vended) -> dict[str, str]:
    """Return the same for Spark: pairs for `SparkConf.setAll` or `--conf`."""
    return {f"spark.hadoop.{name}": value for name, value in s3a_options(vended).items()}


def duckdb_secret(vended: Vended, name: str = "vend") -> str:
    """Return the statement that makes DuckDB use the lease."""
    key, secret, token = map(_sql, keys(vended))
    place = urlsplit(vended.endpoint.url)
    if not name.isidentifier() or not name.isascii():
        raise BadInput(f"{name[:40]!a} is not a name for a secret.")
    options = [
        "TYPE s3",
        f"KEY_ID {key}",
        f"SECRET {secret}",
        f"SESSION_TOKEN {token}",
        f"REGION {_sql(vended.endpoint.region)}",
        f"ENDPOINT {_sql(place.netloc + place.path.rstrip('/'))}",
        f"URL_STYLE {_sql('path' if vended.endpoint.path_style else 'vhost')}",
        f"USE_SSL {'true' if place.scheme == 'https' else 'false'}",
    ]
    return f"CREATE OR REPLACE SECRET {name} (\n" + ",\n".join(f"    {option}" for option in options) + "\n);"


def _sql(text: str) -> str:
    # All of it is printable ASCII (see `answers`), so a quote is the only thing to mind.
    return "'" + text.replace("'", "''") + "'"
