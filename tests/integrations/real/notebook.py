"""What somebody runs in a notebook: boto3, s3fs and Spark, for as long as is asked, without a word about keys.

Sent to the kernel as one cell; `OPTIONS` is set in front of it.  Prints one JSON object.
"""

import json
import os
import time
from typing import Any

import boto3
import s3fs  # type: ignore[import-not-found]  # in the notebook's environment
from pyspark.sql import SparkSession  # type: ignore[import-not-found]

from vendor.integrations.spark import configure

OPTIONS: dict[str, Any] = globals().get("OPTIONS", {})
HOME = f"users-general-warehouse/{os.environ['JUPYTERHUB_USER']}/notebook"


def work(seconds: float) -> dict[str, Any]:
    """Read and write through all three, again and again, and tell of the keys that were seen."""
    session = boto3.Session()
    s3 = session.client("s3")
    files = s3fs.S3FileSystem()
    builder = SparkSession.builder.master("local[1]")
    for name, value in OPTIONS["spark"].items():
        builder = builder.config(name, value)
    lease = configure(builder, jar=",".join(OPTIONS["jars"]))
    spark = builder.getOrCreate()
    renewed = spark.sparkContext._jvm.stsvendor.s3a.LeaseCredentialsProvider(  # as a file system makes one
        spark.sparkContext._jvm.java.net.URI.create("s3a://cdm-lake"), spark.sparkContext._jsc.hadoopConfiguration()
    )
    seen: dict[str, set[str]] = {"boto3": set(), "spark": set()}
    began, rounds = time.monotonic(), 0
    while time.monotonic() < began + seconds or min(map(len, seen.values())) < OPTIONS["keys"]:
        if time.monotonic() > began + 300:
            raise TimeoutError(f"only these keys were seen in {rounds} rounds: {seen}")
        rounds += 1
        text = str(rounds)
        s3.put_object(Bucket="cdm-lake", Key=f"{HOME}/boto3", Body=text.encode())
        seen["boto3"].add(session.get_credentials().access_key)  # type: ignore[union-attr]  # there are some
        files.pipe_file(f"cdm-lake/{HOME}/s3fs", text.encode())
        spark.createDataFrame([(rounds,)], ["round"]).write.mode("overwrite").parquet(f"s3a://cdm-lake/{HOME}/spark")
        seen["spark"].add(renewed.resolveCredentials().accessKeyId())
        found = [
            s3.get_object(Bucket="cdm-lake", Key=f"{HOME}/s3fs")["Body"].read().decode(),
            files.cat_file(f"cdm-lake/{HOME}/boto3").decode(),
            str(spark.read.parquet(f"s3a://cdm-lake/{HOME}/spark").collect()[0]["round"]),
        ]
        if found != [text] * 3:
            raise ValueError(f"round {rounds} reads {found}")
    keys = session.get_credentials().get_frozen_credentials()  # type: ignore[union-attr]
    renewed.close()
    return {
        "rounds": rounds,
        "keys": {name: sorted(found) for name, found in seen.items()},
        "secrets": [keys.secret_key, keys.token],
        "warehouse": lease.settings["spark.sql.warehouse.dir"],
    }


print(json.dumps(work(OPTIONS["seconds"])))  # noqa: T201 - a notebook's output
