"""s3fs on aiobotocore."""

import loop
import s3fs

s3 = s3fs.S3FileSystem(
    endpoint_url=loop.ENDPOINT, use_listings_cache=False, config_kwargs={"s3": {"addressing_style": "path"}}
)


def put(key: str, content: bytes) -> None:
    s3.pipe_file(f"{loop.BUCKET}/{key}", content)


def get(key: str) -> bytes:
    return bytes(s3.cat_file(f"{loop.BUCKET}/{key}"))


loop.run(s3fs.__version__, put, get)
