"""A Spark job of some minutes, as people write them; says in JSON, line by line, how it goes.

It works until a file appears that says it is enough, and after that until it is denied.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession  # type: ignore[import-not-found]  # in a virtual environment of its own

from vendor.integrations.spark import configure

PATH = "s3a://cdm-lake/tenant-general-warehouse/kbase/spark"


def say(**what: object) -> None:
    sys.stdout.write(json.dumps({"at": time.time(), **what}) + "\n")
    sys.stdout.flush()


def main(options: dict[str, Any]) -> None:
    # Jobs this small gain nothing from the compilers.
    frugal = f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile={options['logging']}"
    builder = SparkSession.builder.master(options["master"])
    for name, value in options["settings"].items():
        builder = builder.config(name, value)
    with configure(
        builder,
        duration=options["duration"],
        jar=",".join(options["jars"]),
        with_jar=options["with_jar"],
        token_folder=options["folder"],
        event_log=True,
    ) as lease:
        for side in ("driver", "executor"):
            name = f"spark.{side}.extraJavaOptions"
            builder = builder.config(name, f"{frugal} {lease.settings.get(name, '')}".strip())
        session = builder.getOrCreate()
        say(app=session.sparkContext.applicationId, lease=lease._lease)
        try:
            work(session, Path(options["enough"]), options["rounds"])
        finally:
            session.stop()


def work(session: Any, enough: Path, rounds: int) -> None:
    number = 0
    while not rounds or number < rounds:
        number += 1
        late = enough.exists()
        try:
            one_round(session, number)
        except Exception as error:  # noqa: BLE001 - what it is is told
            denied = "AccessDenied" in str(error)
            say(denied=denied, late=late, error=str(error)[:2000])
            return
        say(round=number)
        time.sleep(0.2)


def one_round(session: Any, number: int) -> None:
    place = f"{PATH}/{number % 2}"
    session.range(0, 2000, 1, 4).selectExpr("id", f"{number} as round").write.mode("overwrite").parquet(place)
    rows = session.read.parquet(place).groupBy("round").count().collect()
    found = [(row["round"], row["count"]) for row in rows]
    if found != [(number, 2000)]:
        raise ValueError(f"round {number} reads {found}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
