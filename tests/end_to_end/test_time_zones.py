"""Moments with a time zone, from a file to a file: the same moment arrives, and that it has a zone can be seen."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.core.runs import Status
from app.core.tables import TableRole
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop

MOMENTS = ("2024-03-26T23:30:00.123456+02:00", "2024-11-01 10:00:00Z", "1999-03-29T02:30:00-05:30", None)
SAME = [None if each is None else datetime.fromisoformat(each) for each in MOMENTS]


@pytest.fixture
def source(shop: Workshop, request: pytest.FixtureRequest) -> Path:
    """Customers who were seen at some moment: a file of the kind that is asked for."""
    kind = request.param
    file = shop.outside / f"Customer.{kind}"
    keys = [f"C-{i}" for i in range(len(MOMENTS))]
    if kind == "parquet":
        parquet.write_table(pa.table({"CustomerId": keys, "Seen": pa.array(SAME, pa.timestamp("us", "UTC"))}), file)
    elif kind == "jsonl":
        rows = [{"CustomerId": key, "Seen": moment} for key, moment in zip(keys, MOMENTS, strict=True)]
        file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    else:
        lines = [f"{key},{moment or ''}" for key, moment in zip(keys, MOMENTS, strict=True)]
        file.write_text("\n".join(["CustomerId,Seen", *lines]), "utf-8")
    shop.services.tables.add([file], "Customer", JobContext())
    shop.connect("Lake", "local-folder", {"folder": str(shop.outside / "lake")})
    return file


@pytest.mark.parametrize("source", ["csv", "parquet", "jsonl"], indirect=True)
def test_a_moment_with_a_zone_is_one_in_parquet(shop: Workshop, source: Path) -> None:
    column = parquet.read_table(written(shop, "parquet")).column("Seen")
    assert column.type.tz is not None
    assert column.to_pylist() == SAME


@pytest.mark.parametrize("source", ["csv", "parquet"], indirect=True)
@pytest.mark.parametrize("kind", ["csv", "json-lines"])
def test_the_text_of_a_moment_says_its_zone(shop: Workshop, source: Path, kind: str) -> None:
    lines = written(shop, kind).read_text("utf-8").splitlines()
    found = [row["Seen"] or None for row in (csv.DictReader(lines) if kind == "csv" else map(json.loads, lines))]
    assert all(each is None or each.endswith("Z") for each in found)
    assert [None if each is None else datetime.fromisoformat(each) for each in found] == SAME


@pytest.mark.parametrize("source", ["csv", "parquet"], indirect=True)
def test_it_can_be_looked_at_and_asked_for(shop: Workshop, source: Path) -> None:
    tables, segments = shop.services.tables, shop.services.segments
    assert [row[1] for row in tables.sample("Customer", 10, JobContext(), masked=False).rows] == SAME
    seen = next(each for each in tables.profile("Customer", JobContext()) if each.name == "Seen")
    assert seen.distinct == 3
    tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
    rule = {"field": "Customer.Seen", "after": "2024-03-26T21:30:00+00:00"}
    segments.save({"name": "Late", "of": "customers", "rules": [{"all": [rule]}]}, None)
    page = segments.members("Late", 10, JobContext())
    assert [row[0] for row in page.rows] == ["C-0", "C-1"]


def written(shop: Workshop, kind: str) -> Path:
    shop.data_out(format={"type": kind}, layout={"folder": "{export}/{table}", "keep_earlier_runs": False})
    (run,) = shop.run("Lake")
    assert run.status is Status.SUCCESSFUL, shop.log(run)
    (file,) = (each for each in shop.outside.glob("lake/Lake/Customer/*") if each.name.startswith("Customer"))
    return file
