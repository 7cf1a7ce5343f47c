"""Two clients that read an access key and a secret when they start, and never again: s3contents and minio-py.

Works through both for as many seconds as it is told, and prints how often.
"""

import io
import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from minio import Minio
from s3contents import S3ContentsManager  # type: ignore[import-not-found]  # in a virtual environment of its own

BUCKET, HOME = "cdm-lake", "users-general-warehouse/alice/pair"


def main(seconds: float) -> None:
    url, key, secret = (
        os.environ.pop(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # they know the pair, the place, and nothing else
    contents: Any = S3ContentsManager(
        bucket=BUCKET, prefix=HOME, endpoint_url=url, access_key_id=key, secret_access_key=secret
    )
    minio = Minio(urlsplit(url).netloc, key, secret, secure=False, region="us-east-1")
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        rounds += 1
        contents.save({"type": "file", "format": "text", "content": f"notes {rounds}"}, "notes.txt")
        answer = minio.get_object(BUCKET, f"{HOME}/notes.txt")
        if answer.read() != f"notes {rounds}".encode():
            raise ValueError("minio-py reads something else than s3contents has written")
        answer.close()
        answer.release_conn()
        minio.put_object(BUCKET, f"{HOME}/data.txt", io.BytesIO(b"data"), 4)
        if contents.get("data.txt")["content"] != "data":
            raise ValueError("s3contents reads something else than minio-py has written")
        if not [entry for entry in contents.get("")["content"] if entry["name"] == "data.txt"]:
            raise ValueError("s3contents does not list what is there")
        contents.delete_file("data.txt")
        time.sleep(0.2)
    sys.stdout.write(f"{rounds}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]))
