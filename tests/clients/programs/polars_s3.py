"""Polars: tables in the place of bytes."""

import loop
import polars

OPTIONS = {"aws_endpoint_url": loop.ENDPOINT, "aws_region": loop.REGION, "aws_virtual_hosted_style_request": "false"}


def put(key: str, content: bytes) -> None:
    table = polars.LazyFrame({"content": [content]})
    table.sink_parquet(f"s3://{loop.BUCKET}/{key}.parquet", storage_options=OPTIONS, credential_provider=None)


def get(key: str) -> bytes:
    place = f"s3://{loop.BUCKET}/{key}.parquet"
    table = polars.scan_parquet(place, storage_options=OPTIONS, credential_provider=None, cache=False).collect()
    return bytes(table["content"][0])


loop.run(polars.__version__, put, get)
