"""A lake database is made by Spark itself from the script of a data-out export, and its tables hold what was written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from app.core.file_formats import Compression, Dates, FileType, Format
from app.core.lake_database import LakeTable, lake_database
from app.core.layouts import extension
from app.core.tables import Meaning
from app.data.table_files import TableRows, write
from app.jobs import CancelToken, JobContext
from tests.data.ingesting import Desk
from tests.data.rows import add_table
from tests.data.test_ingest_cdm import OURS
from tests.servers.spark import SparkServer, spark

__all__ = ["spark"]

WHOLE = OURS.drop_columns(["Clock"])


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        (Format(FileType.PARQUET), WHOLE),
        (Format(FileType.PARQUET), OURS),
        (Format(), OURS),
        (Format(delimiter="\t", header=False), OURS),
        (Format(dates=Dates.DOTTED, compression=Compression.GZIP), OURS),
    ],
    ids=["parquet", "parquet-with-time", "csv", "tab", "dotted-dates"],
)
def test_spark_reads_back_what_was_written(
    desk: Desk,
    spark: SparkServer,
    form: Format,
    rows: pa.Table,
) -> None:
    customer = add_table(desk.engine, "Customer", rows, key="Id", meanings={"Mail": Meaning.EMAIL})
    fields = tuple(column.name for column in customer.columns)
    folder: Path = desk.folder / "lake house" / "Customer"
    folder.mkdir(parents=True)
    for number, file in enumerate(
        write(desk.engine, TableRows(desk.engine, customer, fields), form, folder, JobContext())
    ):
        file.path.rename(folder / f"Customer_{number}{extension(form)}")
    script = lake_database("Customer 360", [LakeTable(customer, fields, str(folder))], form)
    for _again in range(2):
        spark.run(*(each for each in script.split(";\n") if each.strip()))
    try:
        with spark.engine().cursor(CancelToken()) as cursor:
            found = cursor.execute(
                "SELECT `Id`, `Mail`, `Price`, `Share`, `Yes`, CAST(`Day` AS STRING), CAST(`At` AS STRING) "
                "FROM customer_360.customer ORDER BY `Id`"
            ).fetchall()
    finally:
        spark.run("DROP DATABASE customer_360 CASCADE")
    assert [row[0] for row in found] == [1, 2, 3]
    assert found[0][1:5] == ('a,"b"\n@example.com', Decimal("1.50"), 0.1, True)
    assert found[0][5:] == ("2025-03-01", "2025-03-01 12:30:00.00025")
    assert found[1][2:] == (None, 1e300, False, None, None)
    assert found[2][1] is None
