"""Tables that lie in folders of a partition never fall out of them unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core import layouts
from app.core.errors import FixData
from app.core.exports import ExportKind, TableChoice
from app.core.file_formats import Format, Grain, PartitionBy
from app.core.runs import Run, Status
from app.core.tables import Catalog, Column, ColumnType
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.delivery.table_files import ExportFiles
from app.destinations import registry
from app.destinations.contract import Settings
from app.jobs import JobContext
from tests.delivery.fakes import NOW, deps, export, opened, tree
from tests.delivery.test_run_state import queued
from tests.delivery.test_sums import TwoParts
from tests.store.samples import table

AT, ID = Column("At", ColumnType.DATE), Column("Id", ColumnType.INTEGER)
BY = PartitionBy("At", Grain.MONTH)


def tables(**columns: tuple[Column, ...]) -> Catalog:
    return Catalog(tuple(replace(table(name, columns=found), id=name.lower()) for name, found in columns.items()), ())


class Lake:
    """Runs of an export of all fields, with the tables as they are then."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.folder = folder / "workspace", folder / "lake"
        self.export = export(
            name="Out",
            kind=ExportKind.DATA_OUT,
            tables=(TableChoice("Orders"), TableChoice("Shops")),
            format=Format(partition=BY),
        )
        self.hour = 0

    def run(self, catalog: Catalog) -> Run:
        self.hour += 1
        place = layouts.Place("Out", "Shop", NOW.replace(hour=self.hour), "id1")
        given = deps(self.workspace)
        given = replace(
            given,
            catalog=catalog,
            files=lambda made, _description, _moment: ExportFiles(made, catalog, [], place, TwoParts()),
        )
        of = registry.description("local-folder")
        target = registry.open_destination(of, Settings({"folder": str(self.folder)}, {}))
        return deliver(queued(), self.export, opened(target, of), given, JobContext(), lambda _run: None)

    def log(self) -> str:
        return "\n".join(line.text for line in RunFolder(self.workspace, "r1").log())


def test_a_table_that_lost_the_field_stops_the_run_before_anything_is_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.run(tables(Orders=(ID, AT), Shops=(ID, AT))).status is Status.SUCCESSFUL
    before = tree(lake.folder)
    run = lake.run(tables(Orders=(ID,), Shops=(ID, AT)))
    assert (run.status, tree(lake.folder)) == (Status.FAILED, before)
    assert run.error is not None
    assert "“At” of the table “Orders” is gone" in f"{run.error.what} {run.error.why}"

    lake.export = replace(lake.export, format=Format(partition=PartitionBy("Id")))
    assert lake.run(tables(Orders=(ID,), Shops=(ID, AT))).status is Status.SUCCESSFUL, "another field was chosen"


def test_a_table_that_never_had_the_field_is_told_and_written_whole(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for _ in range(2):
        assert lake.run(tables(Orders=(ID,), Shops=(ID, AT))).status is Status.SUCCESSFUL
        assert "“Orders” has no field “At”: its rows are not parted into folders." in lake.log()
        assert "“Shops” has no field" not in lake.log()


@pytest.mark.parametrize(
    ("columns", "why"),
    [((ID,), "None of the tables has a field “At”"), ((ID, Column("At", ColumnType.TEXT)), "which is no date")],
)
def test_no_table_that_can_be_parted_is_an_error_also_of_the_first_run(
    tmp_path: Path, columns: tuple[Column, ...], why: str
) -> None:
    lake = Lake(tmp_path)
    run = lake.run(tables(Orders=columns, Shops=columns))
    assert (run.status, tree(lake.folder)) == (Status.FAILED, [])
    assert run.error is not None
    assert why in f"{run.error.what} {run.error.why}"


def test_a_preview_says_it_as_well() -> None:
    made = export(kind=ExportKind.DATA_OUT, tables=(TableChoice("Orders"),), format=Format(partition=BY))
    files = ExportFiles(made, tables(Orders=(ID,)), [], layouts.Place("Out", "Shop", NOW, "id1"), TwoParts())
    with pytest.raises(FixData, match="parted"):
        files.items()
