"""minio-py with the provider that the first argument names."""

import io
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import loop
import minio
from minio.credentials import providers
from urllib3 import PoolManager, Retry

if sys.argv[1] == "container":
    provider = providers.IamAwsProvider()
else:
    provider = providers.WebIdentityProvider(
        jwt_provider_func=lambda: {"access_token": Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text()},
        sts_endpoint=os.environ["AWS_ENDPOINT_URL_STS"],
        http_client=PoolManager(retries=Retry(5, backoff_factor=0.2, status_forcelist=[503], allowed_methods=None)),
    )
client = minio.Minio(endpoint=urlsplit(loop.ENDPOINT).netloc, secure=False, region=loop.REGION, credentials=provider)


def put(key: str, content: bytes) -> None:
    client.put_object(bucket_name=loop.BUCKET, object_name=key, data=io.BytesIO(content), length=len(content))


def get(key: str) -> bytes:
    with client.get_object(bucket_name=loop.BUCKET, object_name=key) as found:
        return bytes(found.read())


loop.run(minio.__version__, put, get)
