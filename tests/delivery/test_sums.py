"""The checksums beside the files of runs, held against the files by `sha256sum` itself, in every layout that has a name and others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.core import layouts
from app.core.exports import Export, ExportKind, Layout, TableChoice
from app.core.layout_presets import PRESETS
from app.core.names import new_id
from app.core.runs import Status
from app.data.changed_rows import Comparison
from app.data.table_files import RowSource
from app.delivery.deliver import deliver
from app.delivery.ports import PartFile, RowCount
from app.delivery.table_files import ExportFiles, Item, TablePart, TargetOf
from app.destinations import registry
from app.destinations.contract import Settings
from app.jobs import JobContext
from tests.delivery.fakes import CATALOG, NOW, deps, export, opened, tree
from tests.delivery.test_run_state import queued

pytestmark = pytest.mark.skipif(shutil.which("sha256sum") is None, reason="the checker itself is not on this computer")
LAYOUTS = {
    **{name: preset.of(Layout()) for name, preset in PRESETS.items()},
    "two-before": Layout(folder="out/{workspace}/{export}/{timestamp}"),
    "table-in-the-middle": Layout(folder="{export}/of {table}/{date}", file="{table} {hhmm} {part}"),
}


class TwoParts:
    """A `Writer` of two files for each table, with other rows in each run."""

    def count(self, _item: Item, _ctx: JobContext) -> RowCount:
        return RowCount(2)

    def compare(self, _part: TablePart, _base: Path, _folder: Path, _ctx: JobContext) -> Comparison:
        raise AssertionError("whole tables only")

    def write(
        self, _item: Item | RowSource, folder: Path, _ctx: JobContext, target: TargetOf, _near: Path | None = None
    ) -> Iterator[PartFile]:
        for number in (1, 2):
            path = folder / f"part-{number}"
            path.write_text(new_id())
            yield PartFile(path, target(number, ()), 1)


class Lake:
    """Runs seven hours apart, the first two on one day, into a local folder."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.workspace, self.folder = folder / "workspace", folder / "lake"
        tables = tuple(TableChoice(table.name) for table in CATALOG.tables)
        self.export = export(name="Out", kind=ExportKind.DATA_OUT, tables=tables, layout=layout)
        self.hour = 0

    def run(self) -> None:
        self.hour += 7
        moment = NOW + timedelta(hours=self.hour)

        def files(export: Export, _description: object, at: object) -> ExportFiles:
            return ExportFiles(export, CATALOG, [], layouts.Place("Out", "Shop", at, "id1"), TwoParts())

        given = replace(deps(self.workspace), files=files, clock=lambda: moment)
        of = registry.description("local-folder")
        target = registry.open_destination(of, Settings({"folder": str(self.folder)}, {}))
        run = deliver(queued(), self.export, opened(target, of), given, JobContext(), lambda _run: None)
        assert run.status is Status.SUCCESSFUL, run.error

    def checked(self, sums: Path) -> list[str]:
        """The files a reader gets who stands in the folder of the checksums; all of them as they were written."""
        command = ["sha256sum", "--strict", "-c", sums.name]
        done = subprocess.run(command, cwd=sums.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found = [line.removesuffix(": OK") for line in done.stdout.splitlines()]
        assert len(found) == len(set(found))
        return sorted(str((sums.parent / name).relative_to(self.folder)) for name in found)


@pytest.mark.parametrize("keep", [None, 2])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_whoever_stands_beside_the_checksums_gets_every_file_below(
    tmp_path: Path, layout: Layout, keep: int | None
) -> None:
    lake = Lake(tmp_path, replace(layout, sums=True, latest=True, manifest=True, keep_runs=keep))
    for _ in range(3):
        lake.run()
        seen: set[str] = set()
        for sums in lake.folder.rglob("SHA256SUMS"):
            found = lake.checked(sums)
            below = [
                path
                for path in tree(lake.folder)
                if (lake.folder / path).is_relative_to(sums.parent)
                and Path(path).name not in {sums.name, "latest.json"}
            ]
            assert found == below
            seen |= set(found)
        assert seen == {path for path in tree(lake.folder) if Path(path).name not in {"SHA256SUMS", "latest.json"}}
    runs = 3 if keep is None else keep
    assert sum("part" not in path and path.endswith(".csv") for path in seen) == runs * 2 * len(CATALOG.tables)


@pytest.mark.parametrize("keep", [None, 2])
def test_the_checksums_of_a_day_hold_whatever_goes_later(tmp_path: Path, keep: int | None) -> None:
    layout = Layout(folder="{export}/{date}/{table}", file="{hhmm}_{part}", sums=True, keep_runs=keep)
    lake = Lake(tmp_path, layout)
    for _ in range(3):
        lake.run()
        found = {path for sums in lake.folder.rglob("SHA256SUMS") for path in lake.checked(sums)}
        newest = [path for path in tree(lake.folder) if path.endswith(".csv")][-2 * len(CATALOG.tables) :]
        assert found.issuperset(newest)
    assert len(list(lake.folder.rglob("SHA256SUMS"))) == 2
    if keep is None:
        assert found == {path for path in tree(lake.folder) if Path(path).name != "SHA256SUMS"}


def test_of_a_layout_that_replaces_only_the_new_files_are_summed(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Layout(folder="{export}/{table}", keep_earlier_runs=False, sums=True))
    lake.run()
    before = lake.checked(lake.folder / "Out/SHA256SUMS")
    lake.run()
    assert lake.checked(lake.folder / "Out/SHA256SUMS") == before


def test_files_of_runs_before_there_were_sums_are_not_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Layout(sums=True))
    lake.run()
    [note] = (lake.workspace / "written").rglob("runs/*.json")
    told = json.loads(note.read_bytes())
    del told["sums"]
    note.write_text(json.dumps(told))
    lake.run()
    found = lake.checked(lake.folder / "Out/SHA256SUMS")
    assert sum(path.endswith(".csv") for path in found) == 2 * len(CATALOG.tables)
