"""DuckDB with its httpfs and aws extensions, as they come in wheels."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import loop

database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
for name in ("httpfs", "aws"):
    (folder,) = find_spec(f"duckdb_extension_{name}").submodule_search_locations
    (file,) = Path(folder).rglob("*.duckdb_extension")
    database.execute(f"LOAD '{file}'")
database.execute(
    f"""CREATE SECRET lake (TYPE s3, PROVIDER credential_chain, REFRESH auto,
        ENDPOINT '{urlsplit(loop.ENDPOINT).netloc}', REGION '{loop.REGION}', URL_STYLE 'path', USE_SSL false)"""
)


def put(key: str, content: bytes) -> None:
    database.execute(f"COPY (SELECT '{content.decode()}' AS content) TO 's3://{loop.BUCKET}/{key}.csv'")


def get(key: str) -> bytes:
    return database.execute(f"SELECT content FROM read_csv('s3://{loop.BUCKET}/{key}.csv')").fetchone()[0].encode()


loop.run(duckdb.__version__, put, get)
