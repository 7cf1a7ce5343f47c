"""pyarrow: the AWS SDK for C++ with its default chain."""

import loop
import pyarrow
from pyarrow import fs

s3 = fs.S3FileSystem(endpoint_override=loop.ENDPOINT, region=loop.REGION, force_virtual_addressing=False)


def put(key: str, content: bytes) -> None:
    with s3.open_output_stream(f"{loop.BUCKET}/{key}") as stream:
        stream.write(content)


def get(key: str) -> bytes:
    with s3.open_input_stream(f"{loop.BUCKET}/{key}") as stream:
        return bytes(stream.read())


loop.run(pyarrow.__version__, put, get)
